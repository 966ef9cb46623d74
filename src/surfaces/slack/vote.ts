import { say } from '#lib/sanitise.ts';
import type { Suggestion } from '#domain/approval/suggestion.ts';
import { findApproval } from '#domain/approval/store.ts';
import { approvalView } from '#engine/approve/view.ts';
import { yourState } from '#engine/approve/your-state.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readonly } from '#engine/transact.ts';
import { asFault, Fault } from '#lib/fault.ts';
import type { Act, Slack } from './context.ts';
import { faultText } from './faults.ts';
import type { Identity } from './identity.ts';
import { notice } from './messages/blocks.ts';
import { draw, use } from './run.ts';

export interface Ballot {
  readonly approval_id: string;
  readonly decision: 'approve' | 'deny';
  readonly version: number;
  readonly note?: string;
  readonly suggestion?: Suggestion;
  readonly narrow?: Readonly<Record<string, unknown>>;
}

/** One vote by this person, of a form where `draftId` is given. Whether they may is decided there. */
export const vote = (
  slack: Slack,
  act: Act,
  identity: Identity,
  ballot: Ballot,
  draftId: string | null = null,
): Promise<Outcome> =>
  use(
    slack,
    act,
    identity,
    { tool: 'approval_decide', input: { ...ballot }, reason: null },
    draftId === null ? {} : { draftId },
  );

/** One vote by this person, told to them alone; the message changes by the projection, for everybody. */
export async function decide(slack: Slack, act: Act, identity: Identity, ballot: Ballot): Promise<void> {
  try {
    await tellVote(slack, act, identity, ballot, await vote(slack, act, identity, ballot));
  } catch (error) {
    await tellConflict(slack, act, ballot.approval_id, error);
  }
}

/** What became of a vote, and what is left. */
export async function tellVote(
  slack: Slack,
  act: Act,
  { person }: Identity,
  { approval_id: id }: Pick<Ballot, 'approval_id'>,
  outcome: Outcome,
): Promise<void> {
  if (outcome.status === 'denied') return act.tell(notice(say`Not allowed: ${outcome.denial.message}`));
  const state = outcome.status === 'done' ? outcome.output['state'] : null;
  if (state === 'approved')
    return act.tell(notice('You approved. That was the last approval needed. Running it now.'));
  // The vote is cast: where this cannot be read, it is told all the same.
  const view = await readonly(slack.app, act.tenantId, (reader) => approvalView(reader, id)).catch(
    () => null,
  );
  const requester = view?.principal?.displayName ?? 'The requester';
  if (state === 'rejected')
    return act.tell(notice(say`You denied this. ${requester} will read your reason.`));
  await act.tell(notice(view === null ? say`Your vote is recorded.` : yourState(view, person.id).inWords));
}

/**
 * A vote on what has changed since: the message is refreshed, and nothing else happened. Throws every other
 * error again.
 */
export async function tellConflict(
  slack: Slack,
  act: Act,
  approvalId: string,
  error: unknown,
): Promise<void> {
  const fault = asFault(error);
  if (fault.code !== 'conflict') throw error;
  await refresh(slack, act, approvalId);
  await act.tell(notice(say`${faultText(fault)} I have refreshed the message.`));
}

/** The same for an approval that is not there and for a value that names none. */
export const noApproval = (): Fault => new Fault('not_found', 'There is no approval with this ID.');

/** Has the messages about an approval drawn again, from its rows. */
export async function refresh(slack: Slack, { tenantId }: Act, approvalId: string): Promise<void> {
  const approval = await readonly(slack.app, tenantId, (reader) => findApproval(reader, approvalId));
  if (approval === null) throw noApproval();
  await draw(slack, tenantId, approval.callId);
}
