import { oneLine, say, type Line } from '#lib/sanitise.ts';
import type { Agent } from '#domain/agent/store.ts';
import type { Call } from '#domain/call/store.ts';
import type { CallState } from '#domain/call/call.ts';
import type { Person } from '#domain/person/store.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { ACTIONS } from '../ids.ts';
import {
  actions,
  button,
  fieldLines,
  labelled,
  line,
  mention,
  smallPrint,
  words,
  type MessageField,
  type Message,
} from './blocks.ts';
import { errorText } from './outcome.ts';
import { outputBlocks } from './output.ts';
import { shortened, topText, type Mrkdwn } from './text.ts';

const ENDINGS: Readonly<Partial<Record<CallState, string>>> = {
  succeeded: 'Done',
  failed: 'Failed',
  unknown: 'We do not know whether it took effect',
  denied: 'Not allowed any more',
  rejected: 'Denied',
  expired: 'Expired',
  withdrawn: 'Withdrawn',
};

/** What became of a call, in a sentence; null where there is nothing to tell (yet). */
function endingOf(call: Call, agentName: string | null): { ending: Line; rest: Line; text: Mrkdwn } | null {
  const ending = ENDINGS[call.state];
  if (ending === undefined) return null;
  const through = agentName === null ? '' : `, asked by your agent ${agentName}`;
  const rest = say`${call.summary}${through}.${call.error === null ? '' : ` ${errorText(call.error)}`}`;
  const text = topText(`${ending}: ${rest}`);
  return { ending: oneLine(ending), rest, text };
}

/**
 * What became of a call, told once to the person on whose authority it ran, with `names` for the ids in its
 * result; null where there is nothing to tell (yet).
 */
export function outcomeNotice(
  call: Call,
  entry: CatalogueEntry | undefined,
  agentName: string | null,
  names: ReadonlyMap<string, string>,
): Message | null {
  const said = endingOf(call, agentName);
  if (said === null) return null;
  const result =
    call.state === 'succeeded' && entry !== undefined && call.result !== null
      ? outputBlocks(entry, call.result, names)
      : [];
  return {
    text: said.text,
    blocks: [
      line(words(say`${said.ending}: `, { bold: true }), words(said.rest)),
      ...result,
      smallPrint(oneLine(call.id)),
    ],
  };
}

/**
 * The same in one line, in the thread of the card that shows everything else. It mentions `account`: Slack
 * then notifies them of a thread.
 */
export function outcomeLine(call: Call, agentName: string | null, account: string | null): Message | null {
  const said = endingOf(call, agentName);
  if (said === null) return null;
  const to = account === null ? [] : [mention(account), words(' ')];
  return {
    text: said.text,
    blocks: [line(...to, words(say`${said.ending}: `, { bold: true }), words(said.rest))],
  };
}

/** That what somebody sent is under way; this message becomes the outcome. */
export const workingMessage = ({ summary, id }: Call): Message => ({
  text: topText(`Working on it: ${summary}`),
  blocks: [
    line(
      words('Working on it: ', { bold: true }),
      words(say`${summary}. This message will show the result.`),
    ),
    smallPrint(oneLine(id)),
  ],
});

/**
 * To an agent's owner: that it is registered, and why it cannot authenticate yet, if so. Whoever owned it
 * before reads who does now.
 */
export function agentMessage(agent: Agent, owner: Person, unproven: string | null): Message {
  const keys = unproven === null ? '' : ` ${unproven}`;
  const text = `Agent ${agent.name} is registered, and ${owner.displayName} is its owner. It cannot do anything until someone gives it a mandate: /mandate create ${agent.name}.${keys}`;
  return {
    text: topText(text),
    blocks: [line(words(oneLine(text))), fieldLines([ceilingOf(agent)]), smallPrint(oneLine(agent.id))],
  };
}

/** To whom an agent is offered after its owner has left: what has happened, and the way to adopt it. */
export function agentOfferMessage(agent: Agent, owner: Person, heir: Person): Message {
  const text = `${owner.displayName}, who owned agent ${agent.name}, is gone. The agent is frozen and offered to you. Adopt it, then give it new keys with /agent rotate ${agent.name}. Until then it can do nothing.`;
  return {
    text: topText(text),
    blocks: [
      line(words(oneLine(text))),
      fieldLines([ceilingOf(agent)]),
      smallPrint(say`${agent.id} · or type /agent transfer ${agent.name} ${heir.email}`),
      actions(button('Adopt this agent', ACTIONS.takeOver, agent.id, 'primary')),
    ],
  };
}

const ceilingOf = ({ ceiling }: Agent): MessageField =>
  labelled('Mandates can give it at most', [words(oneLine(shortened(ceiling.join(', '), 1000, '…')))]);

/** What an offer reads once it is over: who owns the agent now. */
export function offerOverMessage(agent: Agent, owner: Person): Message {
  const text = `Agent ${agent.name} is no longer offered to you. ${owner.displayName} is its owner now.`;
  return { text: topText(text), blocks: [line(words(oneLine(text))), smallPrint(oneLine(agent.id))] };
}

/**
 * That a second Slack account shows somebody's email address: what it can do (nothing), and what to do about
 * it.
 */
export function contestedMessage(person: Person, known: string, other: string): Message {
  const who = `${person.displayName} (${person.login})`;
  const text = say`A second Slack account, ${other}, shows the work email of ${who}. We ignore it: ${known} is the account that we know. If the new account is right, an IT admin can type /account relink ${person.email}. If not, find out who changed that profile.`;
  return { text: topText(text), blocks: [line(words(text)), smallPrint(oneLine(person.id))] };
}
