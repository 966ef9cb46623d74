import { holdsPrivateKey } from '#lib/private-key.ts';
import { asPerson, guarded, type Act, type Slack } from '../context.ts';
import { begin, PRIVATE_KEY } from '../drafts.ts';
import { checkRequest } from '../forms/check.ts';
import type { Identity } from '../identity.ts';
import { notice } from '../messages/blocks.ts';
import { FIRST } from '../pages.ts';
import { withPeople } from './handle.ts';
import { overviewMessage, sentenceMessage, type Offered } from './help.ts';
import { tokenize } from './lexer.ts';
import { meantBy, type Meant } from './meant.ts';
import { understand } from './parse.ts';
import { usableRoutes } from './usable.ts';

/** What a person typed to the app, outside of any command. */
export interface Speech {
  readonly text: string;
  readonly channel: string;
}

/**
 * Answers a message to the app with what can be typed: the commands that it may have meant, with what was
 * understood filled in, or what this person can do here. Runs nothing: a button asks, as the command would.
 */
export async function handleText(slack: Slack, act: Act, { text, channel }: Speech): Promise<void> {
  if (holdsPrivateKey(text)) return guarded(slack, act, () => act.tell(notice(PRIVATE_KEY)));
  await asPerson(slack, act, 'cached', async (identity) => {
    const usable = await usableRoutes(slack, act, identity, slack.registry.routes);
    const tokens = tokenize(text);
    // A sentence that cannot be taken apart is answered like one that means nothing.
    const meant = typeof tokens === 'string' ? [] : meantBy(tokens, usable);
    if (meant.length === 0) return act.tell(overviewMessage(usable));
    const offered = await Promise.all(meant.map((one) => offer(slack, act, identity, one)));
    const draftId = await begin(slack, act, {
      kind: 'answer',
      channel,
      tool: offered[0]?.tool ?? '',
      input: {},
      place: FIRST,
      next: null,
      buttons: offered.map(({ tool, input, title }) => ({
        text: title,
        tool,
        input,
        form: false,
        danger: false,
      })),
    });
    await act.tell(sentenceMessage(offered, draftId));
  });
}

/** What of a sentence does not fit the command is left out: it may be anything. */
async function offer(slack: Slack, act: Act, identity: Identity, { route, rest }: Meant): Promise<Offered> {
  const { understood } = await withPeople(slack, act, understand(route, rest));
  const places = route.positional.map(({ name }) => name);
  const given = Object.fromEntries(
    Object.entries(understood.input).filter(([name, value]) => places.includes(name) && value !== ''),
  );
  const tool = route.entry.tool.name;
  const check = await checkRequest(slack, act.tenantId, identity, route, {
    tool,
    input: given,
    reason: null,
  });
  const input = Object.fromEntries(Object.entries(given).filter(([name]) => !check.problems.has(name)));
  return { tool, title: route.entry.tool.title, summary: check.summary, usage: route.usage, input };
}
