import type { ReadContext, TenantReader, TenantWriter } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import { boundsOf } from './bounds.ts';
import { checkDays, checkParties, checkScopes, EXPIRE_MANDATE } from './create.ts';
import { mandateStanding } from './rules.ts';
import { findMandate, updateMandate, type Mandate } from './store.ts';
import { describeMandate, namesInResources, untilWords } from './words.ts';

interface Checked {
  readonly mandate: Mandate;
  readonly expiresAt: Date;
  readonly summary: string;
}

/**
 * Checks whether a mandate may run on for `days` from now: it is in force, a person gave it, its end
 * would move later, and all that was required to give it still holds. Throws Fault `not_found`,
 * `conflict`, `forbidden` or `invalid_input`.
 */
export async function checkRenewal(
  reader: TenantReader & Partial<Pick<ReadContext, 'tools'>>,
  principalId: string | null,
  mandateId: string,
  days: number,
): Promise<Checked> {
  const mandate = await findMandate(reader, mandateId);
  if (mandate === null || mandate.principalId !== principalId)
    throw new Fault('not_found', 'You have no such mandate.');
  if (mandate.parentId !== null)
    throw new Fault(
      'conflict',
      'An agent delegated this mandate. Renew its parent mandate, and have the agent delegate it again.',
    );
  const why = mandateStanding(mandate, reader.now);
  if (why !== null) throw new Fault('conflict', `${why.message} It cannot be renewed.`);
  const expiresAt = new Date(reader.now.getTime() + days * 86_400_000);
  if (expiresAt <= mandate.expiresAt)
    throw new Fault(
      'invalid_input',
      'The mandate already lasts longer than that. To end it sooner, narrow it.',
      {
        detail: { problems: [{ field: 'days', problem: 'too short' }] },
      },
    );
  await checkDays(reader, days);
  const parties = await checkParties(reader, mandate.principalId, mandate.agentId);
  await checkScopes(reader, parties, mandate.scopes);
  const { allows, forbids } = describeMandate({
    ...boundsOf(mandate),
    agent: parties.agent.name,
    owner: parties.owner.displayName,
    principal: { id: parties.principal.id, name: parties.principal.displayName },
    // Days, not the instant: the approval's digest covers these words, and the instant moves while it waits.
    lasting: `for ${days} days from now, instead of ${untilWords(mandate.expiresAt)}`,
    names: await namesInResources(reader, mandate.resources),
  });
  return { mandate, expiresAt, summary: `${allows} ${forbids}` };
}

/**
 * Renews the mandate in the caller's transaction and checks again there; faults as in `checkRenewal`.
 * Spent uses stay spent, and mandates below keep their end.
 */
export async function renewMandate(
  ctx: TenantWriter,
  principalId: string | null,
  mandateId: string,
  days: number,
  callId: string,
) {
  await findMandate(ctx, mandateId, 'update');
  const { mandate, expiresAt, summary } = await checkRenewal(ctx, principalId, mandateId, days);
  await updateMandate(ctx, mandate.id, { expiresAt });
  ctx.enqueue(EXPIRE_MANDATE, { mandate: mandate.id }, expiresAt);
  ctx.record({
    event: 'MANDATE_RENEWED',
    actor: mandate.principalId,
    data: {
      mandate_id: mandate.id,
      principal: mandate.principalId,
      agent: mandate.agentId,
      from: mandate.expiresAt.toISOString(),
      expires_at: expiresAt.toISOString(),
      call_id: callId,
    },
  });
  ctx.emit({ name: 'mandate.changed', thing: mandate.id });
  return { mandate_id: mandate.id, expires_at: expiresAt.toISOString(), summary };
}
