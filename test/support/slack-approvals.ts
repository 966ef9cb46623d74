import type { SimMessage } from '#sandbox/slack/index.ts';
import type { TestAgent, World } from './world.ts';

/** A message's blocks as one text, to search for words. */
export const words = (message: SimMessage): string => JSON.stringify(message.blocks);
/**
 * Requests that wait for approval, and what people see of them and do about them in Slack. `bot` is Carl's
 * agent.
 */
export function slackApprovals(world: World, bot: TestAgent) {
  const state = async (callId: string) =>
    (await world.sql<{ state: string }[]>`select state from calls where id = ${callId}`)[0]?.state;

  /**
   * Clicks a button and returns the ephemeral answer that matches. Messages around it may change at the same
   * time.
   */
  async function told(
    who: string,
    message: SimMessage,
    button: string,
    said: RegExp,
    options: { staleCopy?: SimMessage } = {},
  ): Promise<string> {
    const person = world.slack.as(who);
    const before = new Set((await person.sees()).map((one) => one.ts));
    await person.clicks(message, button, options);
    return (
      await person.waitsFor((one) => one.ephemeralFor !== null && !before.has(one.ts) && said.test(one.text))
    ).text;
  }

  let counter = 0;
  /** Bob asks to give Carl's agent a mandate. Mona, his manager, must agree. */
  async function ask(
    more: Record<string, unknown> = {},
    reason?: string,
  ): Promise<{ callId: string; approvalId: string; purpose: string }> {
    counter += 1;
    const purpose = `purpose number ${counter}`;
    const outcome = await world.as(
      await world.actor('bob'),
      'mandate_create',
      { agent: bot.id, scopes: ['okta.mfa.reset'], resources: ['team'], days: 7, purpose, ...more },
      reason === undefined ? {} : { reason },
    );
    if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
    return { ...outcome, purpose };
  }

  /** A person's copy of an approval. */
  const copy = (who: string, approvalId: string): Promise<SimMessage> =>
    world.slack.as(who).waitsFor((one) => one.ephemeralFor === null && words(one).includes(approvalId));

  const becomes = (who: string, approvalId: string, text: RegExp): Promise<SimMessage> =>
    world.slack
      .as(who)
      .waitsFor(
        (one) => one.ephemeralFor === null && words(one).includes(approvalId) && text.test(one.text),
        90_000,
      );

  /** Sends a click although the person has no such message. Returns what they then read. */
  async function click(who: string, actionId: string, value: string): Promise<string> {
    const person = world.slack.as(who);
    const isHelp = (one: SimMessage) => one.text.startsWith('What you can do');
    await person.types('/approval help');
    const anchor = await person.waitsFor((one) => one.ephemeralFor !== null && isHelp(one));
    const before = new Set((await person.sees()).map((one) => one.ts));
    const blocks = [
      {
        type: 'actions',
        elements: [{ type: 'button', text: { type: 'plain_text', text: 'X' }, action_id: actionId, value }],
      },
    ] as unknown as SimMessage['blocks'];
    await person.clicks(anchor, actionId, { staleCopy: { ...anchor, blocks } });
    const answer = await person.waitsFor(
      (one) => one.ephemeralFor !== null && !before.has(one.ts) && !isHelp(one),
    );
    return answer.text;
  }

  return { state, told, ask, copy, becomes, click };
}

/** The helpers of `slackApprovals`. */
export type SlackApprovals = ReturnType<typeof slackApprovals>;
