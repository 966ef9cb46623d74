import { all, boolean, byType, list, object, string, url, when, word, type Check } from './shape.ts';

/** Plain text of up to `max` characters: no formatting, no mentions. */
export const plainText = (max: number): Check =>
  byType({ plain_text: object({ required: { text: string(max) }, optional: { emoji: boolean } }) });

/** Slack's own markup, of up to `max` characters. */
export const mrkdwn = (max: number): Check =>
  byType({ mrkdwn: object({ required: { text: string(max) }, optional: { verbatim: boolean } }) });

/** Either of the two texts. */
export const anyText = (max: number): Check =>
  byType({
    plain_text: object({ required: { text: string(max) }, optional: { emoji: boolean } }),
    mrkdwn: object({ required: { text: string(max) }, optional: { verbatim: boolean } }),
  });

/** The dialog that Slack itself shows before an interaction is sent. */
export const confirm: Check = object({
  required: { title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
  optional: { style: word('primary', 'danger') },
});

const option = (text: Check, description: Check): Check =>
  object({ required: { text, value: string(150) }, optional: { description, url: url() } });

/** An option of a menu: plain text only. */
export const menuOption: Check = option(plainText(75), plainText(75));
/** An option of checkboxes or radio buttons, which may use mrkdwn. */
export const boxOption: Check = option(anyText(75), anyText(75));

const optionGroup = object({ required: { label: plainText(75), options: list(menuOption, 100) } });

/** `options` or `option_groups`, of which a static menu has exactly one. */
export const menuChoices = {
  members: { options: list(menuOption, 100), option_groups: list(optionGroup, 100) },
  exactlyOne: when((value) =>
    (value['options'] === undefined) === (value['option_groups'] === undefined)
      ? 'exactly one of options and option_groups is required'
      : false,
  ),
} as const;

/** An image: a URL or a Slack file, always with words for those who cannot see it. */
export const imageElement: Check = all(
  object({
    required: { alt_text: string(2000) },
    optional: { image_url: url(), slack_file: object({ optional: { id: string(255), url: url() } }) },
  }),
  when(
    (value) =>
      (value['image_url'] === undefined) === (value['slack_file'] === undefined) &&
      'exactly one of image_url and slack_file is required',
  ),
);
