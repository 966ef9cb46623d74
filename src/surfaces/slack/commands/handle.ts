import { asPerson, guarded, type Act, type Slack } from '../context.ts';
import { onlyReads } from '../answer.ts';
import { begin } from '../drafts.ts';
import { isRefusal } from '../account.ts';
import type { Problem } from '../forms/read.ts';
import type { Identity } from '../identity.ts';
import { notice } from '../messages/blocks.ts';
import type { Request } from '../request.ts';
import { ask } from './ask.ts';
import { commandHelp, helpMessage, strangeMessage, unknownMessage } from './help.ts';
import { tokenize, type LexicalError } from './lexer.ts';
import { usableRoutes } from './usable.ts';
import { isSlackUser, parseLine, understand, type Line, type Understood } from './parse.ts';

const LEXICAL = {
  too_long: 'That is too long for a command. Type it without the long part, and put that into the form.',
  unclosed_quote: 'A quotation mark is open. Close it, and send the command again.',
  broadcast: '@channel, @here and @everyone do not name a person. Name one person.',
} as const satisfies Record<LexicalError, string>;

/** A slash command as Slack sends it. `channel` is where it was typed. */
export interface Command {
  readonly root: string;
  readonly text: string;
  readonly channel: string;
}

/**
 * Answers a slash command: help, a suggestion, an answer, a card to confirm, or a form. Runs nothing that
 * changes anything.
 */
export async function handleCommand(slack: Slack, act: Act, command: Command): Promise<void> {
  const tokens = tokenize(command.text);
  if (typeof tokens === 'string') return guarded(slack, act, () => act.tell(notice(LEXICAL[tokens])));
  const routes = slack.registry.under(command.root);
  if (routes.length === 0)
    return asPerson(slack, act, 'cached', () => act.tell(strangeMessage(command.root, slack.registry.roots)));
  const parsed = parseLine(tokens, routes);
  const looks = parsed.kind !== 'command' || onlyReads(parsed.understood.route);
  await asPerson(slack, act, looks ? 'cached' : 'fresh', (identity) =>
    ANSWERS[parsed.kind](slack, act, command, identity, parsed as never),
  );
}

type Answer<K> = (
  slack: Slack,
  act: Act,
  command: Command,
  identity: Identity,
  parsed: Extract<Line, { kind: K }>,
) => Promise<void>;

const ANSWERS: { readonly [K in Line['kind']]: Answer<K> } = {
  help: async (slack, act, { root }, identity, { path }) => {
    const routes = slack.registry.under(root);
    const wanted = routes.find((route) => path.length > 0 && route.path.join(' ') === path.join(' '));
    if (wanted !== undefined) return act.tell(commandHelp(wanted));
    const usable = await usableRoutes(slack, act, identity, routes);
    await act.tell(helpMessage(root, usable, routes.length - usable.length));
  },
  unknown: async (slack, act, { root, channel }, _, { typed, meant, rest }) => {
    const forms = await Promise.all(
      meant.map(async (route) => {
        const { understood } = await withPeople(slack, act, understand(route, rest));
        return {
          route,
          draftId: await begin(slack, act, { kind: 'request', channel, ...requestOf(understood) }),
        };
      }),
    );
    await act.tell(unknownMessage(root, typed, forms));
  },
  command: async (slack, act, { channel }, identity, parsed) => {
    const { understood, problems } = await withPeople(slack, act, parsed.understood);
    const { route } = understood;
    await ask(slack, act, identity, { route, channel, request: requestOf(understood), problems });
  },
};

const requestOf = ({ route, input, reason }: Understood): Request => ({
  tool: route.entry.tool.name,
  input,
  reason,
});

/**
 * Slack accounts among the input as our people; one that may not be meant is left out, with a problem that
 * says so (assertion I7).
 */
export async function withPeople(
  slack: Slack,
  act: Act,
  understood: Understood,
): Promise<{ understood: Understood; problems: Problem[] }> {
  const problems = [...understood.problems];
  const input: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(understood.input)) {
    if (!isSlackUser(value)) {
      input[field] = value;
      continue;
    }
    const person = await slack.identities.named(act.tenantId, value.slackUser);
    if (isRefusal(person))
      problems.push([
        field,
        `That Slack account belongs to nobody in the directory (${person.code.replaceAll('_', ' ')}). Pick the person from the list.`,
      ]);
    else input[field] = person.id;
  }
  return { understood: { ...understood, input }, problems };
}
