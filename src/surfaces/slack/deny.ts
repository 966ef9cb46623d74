import { isRefusal } from './account.ts';
import { decide } from './clicks.ts';
import type { Act, Slack } from './context.ts';
import { look, take } from './drafts.ts';
import { errorsAt, type Submitted } from './forms/submit.ts';
import { REASON_BLOCK } from './forms/draw.ts';
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
  const [state] = Object.values(objectIn(objectIn(objectIn(view, 'state'), 'values'), REASON_BLOCK)) as {
    value?: string | null;
  }[];
  const note = state?.value?.trim() ?? '';
  const errors =
    note.length < 3
      ? errorsAt(view, [['reason', 'Say why, in at least three characters: the requester will read it.']])
      : null;
  if (errors !== null) return { errors };
  const { approvalId, version } = await take(slack, act, draftId, 'deny');
  return {
    after: () => decide(slack, act, identity, { approval_id: approvalId, decision: 'deny', version, note }),
  };
}
