import { oneLine } from '#lib/sanitise.ts';
import type { Suggestion } from '#domain/approval/suggestion.ts';
import { isRefusal } from './account.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { tellConflict, tellVote, vote } from './vote.ts';
import type { Act, Slack } from './context.ts';
import { look } from './drafts.ts';
import { problemsAt } from './faults.ts';
import { errorsAt, type Submitted } from './forms/submit.ts';
import { INSTEAD_BLOCK, INSTEAD_DAYS_BLOCK } from './forms/denial.ts';
import { REASON_BLOCK } from './forms/elements.ts';
import { recordRefusal } from './identity.ts';
import { notice } from './messages/blocks.ts';
import { objectIn, textIn, type Wire } from './wire.ts';

/** Takes a submitted denial: the reason is checked in the form, the vote is cast once after it has closed. */
export async function submitDenial(slack: Slack, act: Act, view: Wire): Promise<Submitted> {
  const draftId = textIn(view, 'private_metadata');
  const identity = await slack.identities.of(act.tenantId, act.account, 'fresh');
  if (isRefusal(identity)) {
    await recordRefusal(slack.app, act.tenantId, act.account, act.doing, identity);
    return { after: () => act.tell(notice(oneLine(identity.message))) };
  }
  const { approvalId, version } = await look(slack, act, draftId, 'deny');
  const entered = objectIn(objectIn(view, 'state'), 'values');
  const note = textOf(entered, REASON_BLOCK);
  const errors =
    note.length < 3
      ? errorsAt(view, [['reason', 'Say why, in at least three characters: the requester will read it.']])
      : null;
  if (errors !== null) return { errors };
  const ballot = { approval_id: approvalId, decision: 'deny' as const, version, note, ...insteadIn(entered) };
  try {
    const outcome = await vote(slack, act, identity, ballot, draftId);
    return { after: () => tellVote(slack, act, identity, ballot, outcome) };
  } catch (error) {
    const fault = asFault(error);
    if (fault.code !== 'invalid_input') return { after: () => tellConflict(slack, act, approvalId, error) };
    return { errors: errorsAt(view, problemsIn(fault)) ?? {} };
  }
}

/** The fields of this form by path of the tool's input. */
const FIELDS: Readonly<Record<string, string>> = {
  note: 'reason',
  'suggestion.words': 'instead',
  'suggestion.terms.days': 'instead_days',
};

function problemsIn(fault: Fault): (readonly [field: string, problem: string])[] {
  const problems = problemsAt(fault);
  if (problems.length === 0) return [['', fault.message]];
  return problems.map(([path, problem]) => [FIELDS[path] ?? '', problem]);
}

/** What would be acceptable, in words and, for a mandate, in days. */
function insteadIn(entered: Wire): { suggestion?: Suggestion } {
  const [words, days] = [textOf(entered, INSTEAD_BLOCK), textOf(entered, INSTEAD_DAYS_BLOCK)];
  if (days === '') return words === '' ? {} : { suggestion: { words } };
  const counted = Number(days);
  const said = words === '' ? `${counted} ${counted === 1 ? 'day' : 'days'}` : words;
  return { suggestion: { words: said, terms: { days: counted } } };
}

function textOf(entered: Wire, block: string): string {
  const [state] = Object.values(objectIn(entered, block)) as { value?: string | null }[];
  return state?.value?.trim() ?? '';
}
