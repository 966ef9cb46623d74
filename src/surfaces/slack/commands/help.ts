import { oneLine, say } from '#lib/sanitise.ts';
import { ACTIONS } from '../ids.ts';
import {
  actions,
  bullets,
  button,
  fact,
  facts,
  line,
  smallPrint,
  words,
  type Message,
} from '../messages/blocks.ts';
import type { Route } from './registry.ts';

/** What can be typed after a command, one line each, with forms for the first three. */
export function helpMessage(root: string, routes: readonly Route[]): Message {
  return {
    text: `What ${root} can do`,
    blocks: [
      line(words(say`What ${root} can do`, { bold: true })),
      bullets(
        routes.map((route) => [
          words(oneLine(route.usage), { code: true }),
          words(say` ${firstSentence(route.entry.tool.description)}`),
        ]),
      ),
      actions(...routes.slice(0, 3).map((route) => formButton(route))),
      smallPrint(
        say`Type ${root} help and a command's words for more. A person is @name or a work email. Commands do not work in threads: that is Slack's rule.`,
      ),
    ],
  };
}

/** One command in full. */
export function commandHelp(route: Route): Message {
  const { tool } = route.entry;
  const fields = route.fields.map((field) =>
    fact(say`${field.name}${field.required ? '' : ' (may be left out)'}`, [
      words(oneLine(field.description === '' ? field.label : field.description)),
    ]),
  );
  const changes = tool.effects === 'write' || tool.effects === 'act';
  return {
    text: `Help for ${route.usage}`,
    blocks: [
      line(words(oneLine(route.usage), { code: true })),
      line(words(oneLine(tool.description))),
      ...(fields.length === 0 ? [] : [facts(fields)]),
      smallPrint(
        oneLine(
          changes
            ? 'You see what will be done before anything is sent. Policy decides whether somebody must approve it.'
            : 'This only looks; it changes nothing.',
        ),
        say`Give any of these by name as well, as in days=7, and a reason as reason="…" or in quotation marks at the end.`,
      ),
      actions(formButton(route)),
    ],
  };
}

/** What may have been meant; nothing was done. `forms` are the drafts that keep what was understood, one for each command. */
export function unknownMessage(
  root: string,
  typed: string,
  meant: readonly { route: Route; draftId: string }[],
): Message {
  if (meant.length === 0) {
    return {
      text: `I do not know that command. ${root} help lists what there is.`,
      blocks: [
        line(
          words('I do not know '),
          words(say`${root} ${typed}`, { code: true }),
          words('. '),
          words(say`${root} help`, { code: true }),
          words(' lists what there is.'),
        ),
      ],
    };
  }
  return {
    text: `I do not know that command. Did you mean ${meant.map(({ route }) => route.path.join(' ')).join(' or ')}?`,
    blocks: [
      line(
        words('I do not know '),
        words(say`${root} ${typed}`, { code: true }),
        words('. Did you mean one of these? Nothing has been done.'),
      ),
      bullets(meant.map(({ route }) => [words(oneLine(route.usage), { code: true })])),
      actions(
        ...meant.map(({ route, draftId }, index) =>
          button(oneLine(route.entry.tool.title), `${ACTIONS.edit}:${index}`, draftId),
        ),
      ),
    ],
  };
}

const formButton = (route: Route) =>
  button(oneLine(route.entry.tool.title), `${ACTIONS.form}:${route.entry.tool.name}`, route.entry.tool.name);

const firstSentence = (text: string): string =>
  /^.*?[.:](?=\s|$)/s.exec(text)?.[0].replace(/:$/, '.') ?? text;
