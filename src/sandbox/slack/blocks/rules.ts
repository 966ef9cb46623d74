import {
  all,
  boolean,
  byType,
  integer,
  list,
  object,
  string,
  url,
  when,
  word,
  type Check,
  type Surface,
} from './shape.ts';
import { anyText, confirm, imageElement, mrkdwn, plainText } from './text.ts';
import { button, elementIn } from './elements.ts';
import { richText, richTextBlock } from './rich-text.ts';

interface BlockRule {
  readonly surfaces: readonly Surface[];
  readonly check: Check;
}

const EVERYWHERE: readonly Surface[] = ['message', 'modal', 'home'];
const MESSAGE: readonly Surface[] = ['message'];

const block = (required: Record<string, Check>, optional: Record<string, Check> = {}): Check =>
  object({ required, optional: { block_id: string(255), ...optional } });

const card = all(
  block(
    {},
    {
      hero_image: byType({ image: imageElement }),
      icon: byType({ image: imageElement }),
      title: mrkdwn(150),
      subtitle: mrkdwn(150),
      body: mrkdwn(200),
      actions: list(byType({ button }), 5),
    },
  ),
  when(
    (value) =>
      ['hero_image', 'title', 'actions', 'body'].every((name) => value[name] === undefined) &&
      'at least one of hero_image, title, actions, body is required',
  ),
);

const taskCard = block(
  { task_id: string(255), title: string(256), status: word('pending', 'in_progress', 'complete', 'error') },
  {
    details: richTextBlock,
    output: richTextBlock,
    sources: list(byType({ url: object({ required: { url: url(), text: string(255) } }) }), 20, 0),
  },
);

const cell = byType({
  raw_text: object({ required: { text: string(10_000, 0) } }),
  raw_number: object({ required: { value: all() }, optional: { text: string(255) } }),
  rich_text: richText,
});
const rows = (maxRows: number): Check => list(list(cell, 20), maxRows);

const feedbackButton = object({
  required: { text: plainText(75), value: string(2000) },
  optional: { accessibility_label: string(75) },
});
const contextAction = byType({
  feedback_buttons: object({
    required: { positive_button: feedbackButton, negative_button: feedbackButton },
    optional: { action_id: string(255) },
  }),
  icon_button: object({
    required: { icon: word('trash'), text: plainText(75) },
    optional: {
      action_id: string(255),
      value: string(2000),
      confirm,
      accessibility_label: string(75),
      visible_to_user_ids: list(string(255), 100, 0),
    },
  }),
});

const FLOOR: Readonly<Record<string, BlockRule>> = {
  header: { surfaces: EVERYWHERE, check: block({ text: plainText(150) }, { level: integer(1, 6) }) },
  divider: { surfaces: EVERYWHERE, check: block({}) },
  section: {
    surfaces: EVERYWHERE,
    check: all(
      block(
        {},
        {
          text: anyText(3000),
          fields: list(anyText(2000), 10),
          accessory: elementIn('section'),
          expand: boolean,
        },
      ),
      when(
        (value) =>
          value['text'] === undefined &&
          value['fields'] === undefined &&
          'one of text and fields is required',
      ),
    ),
  },
  context: {
    surfaces: EVERYWHERE,
    check: block({
      elements: list(byType({ image: imageElement, plain_text: anyText(3000), mrkdwn: anyText(3000) }), 10),
    }),
  },
  actions: { surfaces: EVERYWHERE, check: block({ elements: list(elementIn('actions'), 25) }) },
  rich_text: { surfaces: EVERYWHERE, check: richText },
  image: {
    surfaces: EVERYWHERE,
    check: block(
      { alt_text: string(2000) },
      {
        title: plainText(2000),
        image_url: url(),
        slack_file: object({ optional: { id: string(255), url: url() } }),
      },
    ),
  },
  input: {
    surfaces: EVERYWHERE,
    check: block(
      { label: plainText(2000), element: elementIn('input') },
      { hint: plainText(2000), optional: boolean, dispatch_action: boolean },
    ),
  },
};

const CHILDREN = [
  'actions',
  'context',
  'divider',
  'header',
  'image',
  'input',
  'rich_text',
  'section',
  'table',
] as const;

const table = block(
  { rows: rows(100) },
  {
    column_settings: list(
      object({ optional: { align: word('left', 'center', 'right'), is_wrapped: boolean } }),
      20,
    ),
  },
);

const container = all(
  block(
    {
      child_blocks: list(
        byType(Object.fromEntries(CHILDREN.map((type) => [type, FLOOR[type]?.check ?? table]))),
        10,
      ),
    },
    {
      title: plainText(150),
      rich_text_title: richTextBlock,
      subtitle: anyText(150),
      width: word('narrow', 'standard', 'wide', 'full'),
      icon: byType({ image: imageElement }),
      is_collapsible: boolean,
      default_collapsed: boolean,
      has_header_divider: boolean,
    },
  ),
  when(
    (value) =>
      value['title'] === undefined &&
      value['rich_text_title'] === undefined &&
      'one of title and rich_text_title is required',
  ),
  when(
    (value) =>
      value['default_collapsed'] === true &&
      value['is_collapsible'] !== true &&
      'default_collapsed requires is_collapsible',
  ),
);

/**
 * Every block that an app can send: the surfaces that take it, and what it is made of. Where Slack's own
 * sources differ (container, card, table) the narrower reading stands, so that what passes here passes there.
 */
export const BLOCK_RULES: Readonly<Record<string, BlockRule>> = {
  ...FLOOR,
  card: { surfaces: ['message', 'home'], check: card },
  carousel: { surfaces: ['message', 'home'], check: block({ elements: list(byType({ card }), 10) }) },
  container: { surfaces: MESSAGE, check: container },
  alert: {
    surfaces: ['modal', 'home'],
    check: block({ text: anyText(3000) }, { level: word('default', 'info', 'warning', 'error', 'success') }),
  },
  plan: {
    surfaces: MESSAGE,
    check: block({ title: string(256) }, { tasks: list(byType({ task_card: taskCard }), 50, 0) }),
  },
  task_card: { surfaces: MESSAGE, check: taskCard },
  table: { surfaces: MESSAGE, check: table },
  data_table: {
    surfaces: MESSAGE,
    check: block(
      { rows: rows(1000), caption: string(255) },
      { page_size: integer(1, 100), row_header_column_index: integer(0, 19) },
    ),
  },
  markdown: { surfaces: MESSAGE, check: block({ text: string(12_000) }) },
  context_actions: { surfaces: MESSAGE, check: block({ elements: list(contextAction, 5) }) },
};
