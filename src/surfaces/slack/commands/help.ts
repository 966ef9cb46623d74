import { oneLine, say } from '#lib/sanitise.ts';
import { referenceFields } from '#engine/references.ts';
import { ACTIONS } from '../ids.ts';
import {
  actions,
  bullets,
  button,
  fieldLines,
  labelled,
  line,
  smallPrint,
  words,
  type Message,
} from '../messages/blocks.ts';
import { topText } from '../messages/text.ts';
import type { Route } from './registry.ts';

/**
 * What can be typed after a command, one line each, with buttons for three of them. `routes` are those that
 * this person can use; `others` is how many there are beside them.
 */
export function helpMessage(root: string, routes: readonly Route[], others: number): Message {
  const [first] = routes;
  if (first === undefined) {
    return {
      text: topText(`You cannot use any command of ${root}.`),
      blocks: [
        line(words(say`You cannot use any command of ${root}: they are for other roles.`)),
        smallPrint(say`Ask an IT admin if you need one of them. /okta and /mandate show what else there is.`),
      ],
    };
  }
  const more =
    others === 0 ? '' : ` ${others} more ${others === 1 ? 'command is' : 'commands are'} for other roles.`;
  return {
    text: topText(`What you can do with ${root}`),
    blocks: [
      line(words(say`What you can do with ${root}`, { bold: true })),
      bullets(
        routes.map((route) => [
          words(oneLine(route.usage), { code: true }),
          words(say` ${firstSentence(route.entry.tool.description)}`),
        ]),
      ),
      actions(...firstOf(routes).map((route) => formButton(route))),
      smallPrint(
        say`For one command: ${root} help ${first.path.join(' ')}. Name a person by @name or work email. Slack does not run commands in threads.${more}`,
      ),
    ],
  };
}

/** The three that have a button: lists first, which lead to everything else. */
const firstOf = (routes: readonly Route[]): readonly Route[] => {
  const lists = routes.filter(({ path }) => path.includes('list'));
  return [...lists, ...routes.filter((route) => !lists.includes(route))].slice(0, 3);
};

/** What this person can do with every command: the answer to words that mean no command. */
export function overviewMessage(usable: readonly Route[]): Message {
  const roots = [...new Set(usable.map(({ root }) => root))];
  const example = usable.find(({ entry }) => entry.family === 'okta') ?? usable[0];
  return {
    text: topText('I understand commands. This is what you can type here.'),
    blocks: [
      line(words('I understand commands, which begin with /. This is what you can type:')),
      ...(roots.length === 0
        ? []
        : [
            bullets(
              roots.map((root) => [
                words(oneLine(root), { code: true }),
                words(
                  say` ${usable
                    .filter((route) => route.root === root)
                    .map(({ path }) => path.join(' '))
                    .join(', ')}`,
                ),
              ]),
            ),
          ]),
      ...(usable.length === 0 ? [] : [actions(...starters(usable).map((route) => formButton(route)))]),
      ...(example === undefined
        ? []
        : [
            smallPrint(
              say`For all commands of one kind: ${example.root} help. For one command: ${example.root} help ${example.path.join(' ')}.`,
            ),
          ]),
    ],
  };
}

/** What people begin with, as far as this person can use it. */
const STARTERS = ['okta_reset_password', 'mandate_list', 'approval_list', 'agent_list'];
const starters = (usable: readonly Route[]): readonly Route[] => {
  const known = STARTERS.flatMap((name) => usable.filter(({ entry }) => entry.tool.name === name));
  return (known.length === 0 ? usable : known).slice(0, 3);
};

/** A command that somebody may have meant, as it is offered. */
export interface Offered {
  readonly tool: string;
  readonly title: string;
  /** "Reset password for Ann Lee". */
  readonly summary: string;
  readonly usage: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The commands that a sentence may have meant: nothing was done, and a button asks for one of them. */
export function sentenceMessage(offered: readonly Offered[], draftId: string): Message {
  const several = offered.length > 1;
  return {
    text: topText(
      `I understand commands. Did you mean ${offered.map(({ summary }) => summary).join(', or ')}?`,
    ),
    blocks: [
      line(
        words(
          several
            ? 'I understand commands, not sentences. Did you mean one of these? Nothing has been done.'
            : 'I understand commands, not sentences. Did you mean this? Nothing has been done.',
        ),
      ),
      bullets(
        offered.map(({ summary, usage }) => [
          words(oneLine(summary), { bold: true }),
          words(': '),
          words(oneLine(usage), { code: true }),
        ]),
      ),
      actions(
        ...offered.map(({ title, tool }, index) =>
          button(
            oneLine(title),
            `${ACTIONS.item}:${index}:${tool}`,
            draftId,
            index === 0 ? 'primary' : undefined,
          ),
        ),
      ),
    ],
  };
}

/** How a thing is named where a field takes an id. */
const NAMED: Readonly<Record<string, string>> = {
  mandate: 'its id, or the name of its agent',
  approval: 'its id or number, or the name of the person or agent that it is about',
  group: "the group's name or id",
};

/** One command in full. */
export function commandHelp(route: Route): Message {
  const { tool } = route.entry;
  const references = referenceFields(route.entry);
  const fields = route.fields.map((field) => {
    const how = NAMED[references.get(field.name) ?? ''];
    const about = field.description === '' ? field.label : field.description;
    return labelled(say`${field.name}${field.required ? '' : ' (optional)'}`, [
      words(oneLine(how === undefined ? about : `${about} In a command: ${how}.`)),
    ]);
  });
  const changes = tool.effects === 'write' || tool.effects === 'act';
  return {
    text: topText(`Help for ${route.usage}`),
    blocks: [
      line(words(oneLine(route.usage), { code: true })),
      line(words(oneLine(tool.description))),
      ...(fields.length === 0 ? [] : [fieldLines(fields)]),
      smallPrint(
        oneLine(
          changes
            ? 'You see what it will do before you send it. If an approval is required, we ask for it after you send it.'
            : 'This only shows something. It changes nothing.',
        ),
        say`You can name any field: days=7, or reason="lost phone". A text in quotation marks at the end is the reason too.`,
      ),
      actions(formButton(route)),
    ],
  };
}

/**
 * What may have been meant; nothing was done. `forms` are the drafts that keep what was understood, one for
 * each command.
 */
export function unknownMessage(
  root: string,
  typed: string,
  meant: readonly { route: Route; draftId: string }[],
): Message {
  if (meant.length === 0) {
    return {
      text: topText(`I do not know that command. ${root} help lists the commands that you can use.`),
      blocks: [
        line(
          words('I do not know '),
          words(say`${root} ${typed}`, { code: true }),
          words('. '),
          words(say`${root} help`, { code: true }),
          words(' lists the commands that you can use.'),
        ),
      ],
    };
  }
  return {
    text: topText(
      `I do not know that command. Did you mean ${meant.map(({ route }) => route.path.join(' ')).join(' or ')}?`,
    ),
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

/**
 * For a command that the workspace's app has and this server does not: the app's manifest is of another
 * version.
 */
export const strangeMessage = (root: string, roots: readonly string[]): Message => ({
  text: topText(`${root} is not a command of this version.`),
  blocks: [
    line(
      words(oneLine(root), { code: true }),
      words(' is not a command of this version of Prokura. The commands are: '),
      words(oneLine(roots.join(', '))),
      words('.'),
    ),
    smallPrint(
      say`An administrator can paste the current manifest into the Slack app, so that Slack offers the same commands.`,
    ),
  ],
});

const formButton = (route: Route) =>
  button(oneLine(route.entry.tool.title), `${ACTIONS.form}:${route.entry.tool.name}`, route.entry.tool.name);

const firstSentence = (text: string): string =>
  /^.*?[.:](?=\s|$)/s.exec(text)?.[0].replace(/:$/, '.') ?? text;
