import { oneLine, say } from '#lib/sanitise.ts';
import type { Agent } from '#domain/agent/store.ts';
import type { Mandate } from '#domain/mandate/store.ts';
import type { Person } from '#domain/person/store.ts';
import type { ApprovalView } from '#engine/approve/view.ts';
import { causeWords } from '#engine/mandate-in-words.ts';
import { statusOf, voteLines } from './approval.ts';
import { fieldLines, header, labelled, line, moment, smallPrint, words, type Message } from './blocks.ts';
import { shortened, topText } from './text.ts';

const whyOf = ({ state, reason }: Mandate): string => {
  if (state !== 'frozen' || reason === null) return reason ?? '';
  return causeWords(reason);
};

/** So many blocks of votes stand in it: Slack takes 50 in one message, and few are our own. */
const MAX_VOTE_BLOCKS = 40;

/** What can be done about it. */
function nextStep({ id, state, reason }: Mandate, agent: string): string {
  if (state !== 'frozen') return `Give it a new one with /mandate create ${agent}.`;
  if (reason === 'principal') return `To resume it, type /mandate thaw ${id}.`;
  if (reason === 'credentials_changed')
    return `If the change is right, the person who gave it can confirm it with /mandate confirm ${id}.`;
  if (reason === 'admin' || reason?.startsWith('admin:')) return 'An IT admin can lift the freeze.';
  return '';
}

/** Whose mandate it is, and what else its message shows. */
interface MandateScene {
  readonly agent: Agent | null;
  readonly principal: Person | null;
  /** On whom or what, in words. */
  readonly resources: string;
  /** The approval that it came from; null where nobody was asked, and for everybody but whoever asked. */
  readonly view: ApprovalView | null;
}

/**
 * One mandate as its parties see it, in every state; for whoever asked for it, the card of the request
 * becomes this.
 */
export function mandateMessage(
  mandate: Mandate,
  { agent, principal, resources, view }: MandateScene,
): Message {
  const name = agent?.name ?? mandate.agentId;
  const ended = mandate.reason === null ? '' : ` (${whyOf(mandate)})`;
  const state =
    mandate.state === 'active'
      ? 'Active'
      : `${mandate.state.charAt(0).toUpperCase()}${mandate.state.slice(1)}${ended}`;
  const by = principal === null ? mandate.principalId : `${principal.displayName} (${principal.login})`;
  const title = `Mandate for agent ${name}`;
  const status = view === null || mandate.state !== 'active' ? null : statusOf({ view });
  const approval = view?.approval;
  return {
    text: topText(`${status === null ? '' : `${status} `}${title}: ${state}`),
    blocks: [
      ...(status === null ? [] : [line(words(oneLine(status), { bold: true }))]),
      header(oneLine(title)),
      fieldLines([
        labelled('State', [words(oneLine(state))]),
        labelled('Given by', [words(oneLine(by))]),
        labelled('The agent can use', [words(oneLine(shortened(mandate.scopes.join(', '), 1000, '…')))]),
        labelled('On', [words(oneLine(shortened(resources, 1000, '…')))]),
        labelled('Purpose', [words(oneLine(shortened(mandate.purpose, 600, '…')))]),
        labelled(mandate.state === 'expired' ? 'This mandate expired' : 'This mandate expires', [
          moment(mandate.expiresAt),
        ]),
      ]),
      ...(view === null ? [] : voteLines({ view }, 'approver', MAX_VOTE_BLOCKS)),
      smallPrint(
        say`${mandate.id} · To end it, type /mandate revoke ${mandate.id}`,
        ...(approval === undefined ? [] : [say`${approval.id} · digest ${approval.digest.slice(0, 8)}`]),
      ),
    ],
  };
}

/**
 * That a mandate has ended or is frozen: an edit of its message alone would tell nobody. Null while it is
 * active.
 */
export function mandateNotice(mandate: Mandate, agent: Agent | null): Message | null {
  if (mandate.state === 'active') return null;
  const name = agent?.name ?? mandate.agentId;
  const why = mandate.reason === null ? '' : `: ${whyOf(mandate)}`;
  const text = `The mandate for agent ${name} is ${mandate.state}${why}. The agent cannot use it. ${nextStep(mandate, name)}`;
  return said(text.trim(), mandate.id);
}

/** What the notice of a freeze reads once that freeze is over. */
export const thawedNotice = (mandate: Mandate, agent: Agent | null): Message =>
  said(
    `The mandate for agent ${agent?.name ?? mandate.agentId} was frozen for a while. It is ${mandate.state} now.`,
    mandate.id,
  );

const said = (text: string, id: string): Message => ({
  text: topText(text),
  blocks: [line(words(oneLine(text))), smallPrint(oneLine(id))],
});
