import {
  all,
  boolean,
  byType,
  integer,
  list,
  matching,
  object,
  string,
  url,
  when,
  word,
  type Check,
  type Surface,
} from './shape.ts';
import { boxOption, confirm, imageElement, menuChoices, menuOption, plainText } from './text.ts';
import { richTextBlock } from './rich-text.ts';

/** The places of a block in which an element can stand. */
export type Place = 'section' | 'actions' | 'input';

interface Rule {
  readonly places: readonly Place[];
  readonly surfaces: readonly Surface[];
  readonly check: Check;
}

const EVERYWHERE: readonly Surface[] = ['message', 'modal', 'home'];
const ACTION = { action_id: string(255), confirm };
const FIELD = { ...ACTION, placeholder: plainText(150), focus_on_load: boolean };
const DISPATCH = {
  dispatch_action_config: object({
    optional: { trigger_actions_on: list(word('on_enter_pressed', 'on_character_entered'), 2) },
  }),
};
const id = string(255);
const ids = list(id, 100, 0);
const most = { max_selected_items: integer(1) };
const filter = object({
  optional: {
    include: list(word('im', 'mpim', 'private', 'public'), 4),
    exclude_external_shared_channels: boolean,
    exclude_bot_users: boolean,
  },
});
const numeral = matching(/^-?\d+(\.\d+)?$/, 'number');

const menu = (members: Record<string, Check>): Rule => ({
  places: ['section', 'actions', 'input'],
  surfaces: EVERYWHERE,
  check: object({ optional: { ...FIELD, ...members } }),
});
const staticMenu = (members: Record<string, Check>): Rule => {
  const rule = menu({ ...menuChoices.members, ...members });
  return { ...rule, check: all(rule.check, menuChoices.exactlyOne) };
};
const boxes = (members: Record<string, Check>): Rule => ({
  places: ['section', 'actions', 'input'],
  surfaces: EVERYWHERE,
  check: object({
    required: { options: list(boxOption, 10) },
    optional: { ...ACTION, focus_on_load: boolean, ...members },
  }),
});
const field = (
  surfaces: readonly Surface[],
  optional: Record<string, Check>,
  required: Record<string, Check> = {},
): Rule => ({
  places: ['input'],
  surfaces,
  check: object({ required, optional: { ...FIELD, ...DISPATCH, ...optional } }),
});
const picker = (
  places: readonly Place[],
  surfaces: readonly Surface[],
  optional: Record<string, Check>,
): Rule => ({
  places,
  surfaces,
  check: object({ optional: { ...FIELD, ...optional } }),
});

/** A button on its own; cards hold nothing else. */
export const button: Check = object({
  required: { text: plainText(75) },
  optional: {
    ...ACTION,
    value: string(2000),
    url: url(3000),
    style: word('primary', 'danger'),
    accessibility_label: string(75),
  },
});

/**
 * Every element: where it can stand, and what it is made of
 * (docs.slack.dev/reference/block-kit/block-elements).
 */
const RULES: Readonly<Record<string, Rule>> = {
  button: { places: ['section', 'actions'], surfaces: EVERYWHERE, check: button },
  overflow: {
    places: ['section', 'actions'],
    surfaces: EVERYWHERE,
    check: object({ required: { options: list(menuOption, 5) }, optional: ACTION }),
  },
  workflow_button: {
    places: ['section', 'actions'],
    surfaces: ['message'],
    check: object({
      required: {
        text: plainText(75),
        workflow: object({
          required: {
            trigger: object({
              required: { url: url() },
              optional: {
                customizable_input_parameters: list(
                  object({ required: { name: id, value: string(2000) } }),
                  100,
                ),
              },
            }),
          },
        }),
      },
      optional: { ...ACTION, style: word('primary', 'danger'), accessibility_label: string(75) },
    }),
  },
  checkboxes: boxes({ initial_options: list(boxOption, 10) }),
  radio_buttons: boxes({ initial_option: boxOption }),
  static_select: staticMenu({ initial_option: menuOption }),
  multi_static_select: staticMenu({ initial_options: list(menuOption, 100), ...most }),
  external_select: menu({ initial_option: menuOption, min_query_length: integer(0) }),
  multi_external_select: menu({
    initial_options: list(menuOption, 100),
    min_query_length: integer(0),
    ...most,
  }),
  users_select: menu({ initial_user: id }),
  multi_users_select: menu({ initial_users: ids, ...most }),
  conversations_select: menu({
    initial_conversation: id,
    default_to_current_conversation: boolean,
    response_url_enabled: boolean,
    filter,
  }),
  multi_conversations_select: menu({
    initial_conversations: ids,
    default_to_current_conversation: boolean,
    filter,
    ...most,
  }),
  channels_select: menu({ initial_channel: id, response_url_enabled: boolean }),
  multi_channels_select: menu({ initial_channels: ids, ...most }),
  datepicker: picker(['section', 'actions', 'input'], EVERYWHERE, {
    initial_date: matching(/^\d{4}-\d{2}-\d{2}$/, 'date'),
  }),
  timepicker: picker(['section', 'actions', 'input'], EVERYWHERE, {
    initial_time: matching(/^\d{2}:\d{2}$/, 'time'),
    timezone: id,
  }),
  datetimepicker: picker(['actions', 'input'], ['message', 'modal'], {
    initial_date_time: integer(1_000_000_000, 9_999_999_999),
  }),
  plain_text_input: field(EVERYWHERE, {
    initial_value: string(3000, 0),
    multiline: boolean,
    min_length: integer(0, 3000),
    max_length: integer(1, 3000),
  }),
  email_text_input: field(['modal'], { initial_value: string(3000, 0) }),
  url_text_input: field(['modal'], { initial_value: string(3000, 0) }),
  number_input: field(
    ['modal'],
    { initial_value: numeral, min_value: numeral, max_value: numeral },
    { is_decimal_allowed: boolean },
  ),
  file_input: field(['modal'], { filetypes: list(string(50), 100), max_files: integer(1, 10) }),
  rich_text_input: {
    ...field(['modal', 'home'], {
      initial_value: richTextBlock,
      min_lines: integer(1),
      max_lines: integer(1),
    }),
    places: ['actions', 'input'],
  },
};

const imageRule: Rule = { places: ['section'], surfaces: EVERYWHERE, check: imageElement };

/** An element in this place of a block: known, allowed there, allowed on this surface, and well made. */
export function elementIn(place: Place): Check {
  const rules: Readonly<Record<string, Rule>> = place === 'section' ? { ...RULES, image: imageRule } : RULES;
  const checks = Object.entries(rules).map(([type, rule]): [string, Check] => {
    const fits = when((_, { surface }) => {
      if (!rule.places.includes(place))
        return `invalid element type: ${type} is not allowed in ${place} blocks`;
      return rule.surfaces.includes(surface)
        ? false
        : `invalid element type: ${type} is not allowed in a ${surface}`;
    });
    return [type, all(fits, rule.check)];
  });
  return byType(Object.fromEntries(checks));
}
