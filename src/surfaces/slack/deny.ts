import type { Suggestion } from '#domain/approval/suggestion.ts';
import { isRefusal } from './account.ts';
import { decide } from './vote.ts';
import type { Act, Slack } from './context.ts';
import { look, take } from './drafts.ts';
import { errorsAt, type Submitted } from './forms/submit.ts';
import { INSTEAD_BLOCK, INSTEAD_DAYS_BLOCK, REASON_BLOCK } from './forms/draw.ts';
import { recordRefusal } from './identity.ts';
import { notice } from './messages/blocks.ts';
import { objectIn, textIn, type Wire } from './wire.ts';

/** Takes a submitted denial: the reason is checked in the form, the vote is cast once after it has closed. */
export async function submitDenial(slack: Slack, act: Act, view: Wire): Promise<Submitted> {
  const draftId = textIn(view, 'private_metadata');
  const identity = await slack.identities.of(act.tenantId, act.account, 'fresh');
  if (isRefusal(identity)) {
    await recordRefusal(slack.app, act.tenantId, act.account, act.doing, identity);
    return { after: () => act.tell(notice(identity.message)) };
  }
  await look(slack, act, draftId, 'deny');
  const entered = objectIn(objectIn(view, 'state'), 'values');
  const note = textOf(entered, REASON_BLOCK);
  const errors =
    note.length < 3
      ? errorsAt(view, [['reason', 'Say why, in at least three characters: the requester will read it.']])
      : null;
  if (errors !== null) return { errors };
  const { approvalId, version } = await take(slack, act, draftId, 'deny');
  const ballot = { approval_id: approvalId, decision: 'deny' as const, version, note, ...insteadIn(entered) };
  return { after: () => decide(slack, act, identity, ballot) };
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
