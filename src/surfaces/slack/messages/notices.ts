import { oneLine, say } from '#lib/sanitise.ts';
import type { KnownBlock } from '@slack/types';
import type { Agent } from '#domain/agent/store.ts';
import type { Call } from '#domain/call/store.ts';
import type { CallState } from '#domain/call/call.ts';
import type { Mandate } from '#domain/mandate/store.ts';
import type { Person } from '#domain/person/store.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { ACTIONS } from '../ids.ts';
import {
  actions,
  button,
  fact,
  facts,
  line,
  moment,
  smallPrint,
  words,
  type Fact,
  type Message,
} from './blocks.ts';
import { errorText } from './outcome.ts';
import { outputBlocks } from './output.ts';
import { escapeMrkdwn, shortened } from './text.ts';

const ENDINGS: Readonly<Partial<Record<CallState, string>>> = {
  succeeded: 'Done',
  failed: 'Failed',
  unknown: 'Not known whether it took effect',
  denied: 'Refused when it was to be carried out',
  rejected: 'Denied',
  expired: 'Expired',
  withdrawn: 'Withdrawn',
};

/** What became of a call, told once to the person on whose authority it ran, with `names` for the ids in its result; null where there is nothing to tell (yet). */
export function outcomeNotice(
  call: Call,
  entry: CatalogueEntry | undefined,
  agentName: string | null,
  names: ReadonlyMap<string, string>,
): Message | null {
  const ending = ENDINGS[call.state];
  if (ending === undefined) return null;
  const through = agentName === null ? '' : `, asked by your agent ${agentName}`;
  const why = call.error === null ? '' : ` ${errorText(call.error)}`;
  const result =
    call.state === 'succeeded' && entry !== undefined && call.result !== null
      ? outputBlocks(entry, call.result, names)
      : [];
  return {
    text: escapeMrkdwn(shortened(`${ending}: ${call.summary}${through}.${why}`, 2800, '…')),
    blocks: [
      line(words(say`${ending}: `, { bold: true }), words(say`${call.summary}${through}.${why}`)),
      ...result,
      smallPrint(oneLine(call.id)),
    ],
  };
}

/** Why a mandate stands still, for people; a cause that is not here is said as it is. */
const CAUSES: Readonly<Record<string, string>> = {
  principal: 'the person who gave it froze it',
  admin: 'it was frozen by hand, by somebody else than the person who gave it',
  principal_suspended: 'the person who gave it is suspended',
  principal_deactivated: 'the person who gave it has left',
  authority_lost: 'the groups of the person who gave it do not carry all of it any more',
  owner_left: 'the owner of the agent is gone',
  credentials_changed:
    'somebody else changed the keys or the owner of the agent; whoever gave it can confirm it',
  breaker: 'many people were deactivated at once, and IT admins decide whether that was meant',
  parent_frozen: 'the mandate that it is a part of stands still',
};

const whyOf = ({ state, reason }: Mandate): string => {
  if (state !== 'frozen' || reason === null) return reason ?? '';
  return CAUSES[reason] ?? (reason.startsWith('admin:') ? 'the kill switch was used' : reason);
};

/** One mandate as its parties see it, in every state. */
export function mandateMessage(
  mandate: Mandate,
  agent: Agent | null,
  principal: Person | null,
  resources: string,
): Message {
  const ended = mandate.reason === null ? '' : ` (${whyOf(mandate)})`;
  const state =
    mandate.state === 'active'
      ? 'Active'
      : `${mandate.state.charAt(0).toUpperCase()}${mandate.state.slice(1)}${ended}`;
  const pairs: Fact[] = [
    fact('State', [words(oneLine(state))]),
    fact('Agent', [words(oneLine(agent?.name ?? mandate.agentId))]),
    fact('Given by', [
      words(
        oneLine(principal === null ? mandate.principalId : `${principal.displayName} (${principal.login})`),
      ),
    ]),
    fact('May', [words(oneLine(shortened(mandate.scopes.join(', '), 1000, '…')))]),
    fact('On', [words(oneLine(shortened(resources, 1000, '…')))]),
    fact('For', [words(oneLine(shortened(mandate.purpose, 600, '…')))]),
    fact('Ends', [moment(mandate.expiresAt)]),
  ];
  const blocks: KnownBlock[] = [
    line(words(say`Mandate for agent ${agent?.name ?? mandate.agentId}`, { bold: true })),
    facts(pairs),
    smallPrint(say`${mandate.id} · end it with /mandate revoke ${mandate.id}`),
  ];
  return { text: escapeMrkdwn(`Mandate for agent ${agent?.name ?? mandate.agentId}: ${state}`), blocks };
}

/** That a mandate has ended or stands still: an edit of its card alone would tell nobody. Null while it is active. */
export function mandateNotice(mandate: Mandate, agent: Agent | null): Message | null {
  if (mandate.state === 'active') return null;
  const why = mandate.reason === null ? '' : `: ${whyOf(mandate)}`;
  const text = `The mandate for agent ${agent?.name ?? mandate.agentId} is ${mandate.state}${why}. The agent can do nothing with it.`;
  return { text: escapeMrkdwn(text), blocks: [line(words(oneLine(text))), smallPrint(oneLine(mandate.id))] };
}

/** What the notice of a freeze reads once that freeze is over. */
export function thawedNotice(mandate: Mandate, agent: Agent | null): Message {
  const text = `The mandate for agent ${agent?.name ?? mandate.agentId} was frozen for a while. It is ${mandate.state} now.`;
  return { text: escapeMrkdwn(text), blocks: [line(words(oneLine(text))), smallPrint(oneLine(mandate.id))] };
}

/** To an agent's owner: that it is known now, and why it can prove nothing yet, if so. Whoever owned it before reads who does now. */
export function agentMessage(agent: Agent, owner: Person, unproven: string | null): Message {
  const keys = unproven === null ? '' : ` ${unproven}`;
  const text = `Agent ${agent.name} is registered, and ${owner.displayName} is its owner. It can do nothing until somebody gives it a mandate (/mandate create ${agent.name}).${keys}`;
  return {
    text: escapeMrkdwn(text),
    blocks: [
      line(words(oneLine(text))),
      facts([fact('May be given', [words(oneLine(agent.ceiling.join(', ')))])]),
      smallPrint(oneLine(agent.id)),
    ],
  };
}

/** To whom an agent is offered after its owner has left: what has happened, and the way to take it over. */
export function agentOfferMessage(agent: Agent, owner: Person, heir: Person): Message {
  const text = `${owner.displayName}, who owned agent ${agent.name}, is gone. The agent is frozen and offered to you. Take it over, then give it new keys; until then it does nothing.`;
  return {
    text: escapeMrkdwn(text),
    blocks: [
      line(words(oneLine(text))),
      facts([fact('May be given', [words(oneLine(shortened(agent.ceiling.join(', '), 1000, '…')))])]),
      smallPrint(say`${agent.id} · or type /agent transfer ${agent.name} ${heir.email}`),
      actions(button('Take over…', ACTIONS.takeOver, agent.id, 'primary')),
    ],
  };
}

/** What an offer reads once it is over: who owns the agent now. */
export function offerOverMessage(agent: Agent, owner: Person): Message {
  const text = `Agent ${agent.name} was offered to you. It is not any more: ${owner.displayName} is its owner.`;
  return { text: escapeMrkdwn(text), blocks: [line(words(oneLine(text))), smallPrint(oneLine(agent.id))] };
}

/** That a second Slack account shows somebody's email address: what it can do (nothing), and what to do about it. */
export function contestedMessage(person: Person, known: string, other: string): Message {
  const who = `${person.displayName} (${person.login})`;
  const text = say`A second Slack account, ${other}, shows the work email of ${who}. It is taken for nobody: ${known} is known as theirs. If the new one is right, an IT admin says /account relink ${person.email}. If not, look at who changed that profile.`;
  return { text: escapeMrkdwn(text), blocks: [line(words(text)), smallPrint(oneLine(person.id))] };
}
