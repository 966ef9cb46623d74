import { oneLine } from '#lib/sanitise.ts';
import { approvalView } from '#engine/approve/view.ts';
import { resourcePattern } from '#engine/references.ts';
import { readonly } from '#engine/transact.ts';
import { canonicalJson } from '#lib/json.ts';
import { asFault, Fault } from '#lib/fault.ts';
import { isRefusal } from './account.ts';
import { tellConflict, tellVote, vote } from './vote.ts';
import type { Act, Slack } from './context.ts';
import { look } from './drafts.ts';
import { problemsOf } from './faults.ts';
import { NOTE_BLOCK } from './forms/denial.ts';
import { askedOf, type Asked } from './forms/narrow.ts';
import { readField, type Problem } from './forms/read.ts';
import { errorsAt, type Submitted } from './forms/submit.ts';
import { recordRefusal } from './identity.ts';
import { notice } from './messages/blocks.ts';
import { objectIn, textIn, type Wire } from './wire.ts';

/**
 * Takes the form in which an approver made a mandate smaller: what is wider, or no smaller, is answered at
 * its field, and the draft stays usable; otherwise it is one vote. Whether this person may vote, and whether
 * it is smaller, `approval_decide` says, never the form.
 */
export async function submitNarrowing(slack: Slack, act: Act, view: Wire): Promise<Submitted> {
  const draftId = textIn(view, 'private_metadata');
  const identity = await slack.identities.of(act.tenantId, act.account, 'fresh');
  if (isRefusal(identity)) {
    await recordRefusal(slack.app, act.tenantId, act.account, act.doing, identity);
    return { after: () => act.tell(notice(oneLine(identity.message))) };
  }
  const { approvalId, version } = await look(slack, act, draftId, 'narrow');
  const entered = objectIn(objectIn(view, 'state'), 'values');
  const { narrow, problems } = await readonly(slack.app, act.tenantId, async (reader) => {
    const approval = await approvalView(reader, approvalId);
    if (approval === null) throw new Fault('not_found', 'There is no approval with this ID.');
    const read = smallerIn(await askedOf(slack, reader, approval), entered);
    const { resources } = read.narrow;
    if (!Array.isArray(resources)) return read;
    try {
      const patterns = resources.map((one) =>
        resourcePattern(reader, approval.call.principalId, String(one), 'resources'),
      );
      return { ...read, narrow: { ...read.narrow, resources: await Promise.all(patterns) } };
    } catch (error) {
      const { message } = asFault(error);
      return { ...read, problems: [...read.problems, ['resources', message] as const] };
    }
  });
  const errors = errorsAt(view, problems);
  if (errors !== null) return { errors };
  const [state] = Object.values(objectIn(entered, NOTE_BLOCK)) as { value?: string | null }[];
  const note = state?.value?.trim() ?? '';
  const ballot = { approval_id: approvalId, decision: 'approve' as const, version, narrow };
  try {
    const outcome = await vote(slack, act, identity, note === '' ? ballot : { ...ballot, note }, draftId);
    return { after: () => tellVote(slack, act, identity, ballot, outcome) };
  } catch (error) {
    const fault = asFault(error);
    if (fault.code !== 'invalid_input') return { after: () => tellConflict(slack, act, approvalId, error) };
    const at = problemsOf(fault).map(([path, problem]) => [path.replace(/^narrow\./, ''), problem] as const);
    return { errors: errorsAt(view, at) ?? {} };
  }
}

/**
 * What was made smaller, and nothing that stands as it was asked. A field that was emptied is no bound at
 * all: that is not less.
 */
function smallerIn(
  { fields, terms }: Asked,
  entered: Wire,
): { narrow: Record<string, unknown>; problems: Problem[] } {
  const narrow: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const field of fields) {
    const read = readField(field, entered);
    const asked = terms[field.name];
    if (read.problems.length > 0) problems.push(...read.problems);
    else if (read.value === undefined) {
      if (asked !== undefined && asked !== 0)
        problems.push([
          field.name,
          'An empty field would mean no limit. Leave it as requested, or reduce it.',
        ]);
    } else if (!same(read.value, asked)) narrow[field.name] = read.value;
  }
  if (problems.length === 0 && Object.keys(narrow).length === 0)
    problems.push([
      '',
      'You have reduced nothing. To approve everything as requested, press Approve on the message.',
    ]);
  return { narrow, problems };
}

/** Whether two values are one, lists in any order. */
function same(one: unknown, other: unknown): boolean {
  const [left, right] = [one, other ?? null].map((value) =>
    canonicalJson(Array.isArray(value) ? value.map(String).sort() : value),
  );
  return left === right;
}
