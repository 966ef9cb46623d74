import { sql, type SQL } from 'drizzle-orm';
import { causesOf } from '../agent/causes.ts';
import { findAgent } from '../agent/store.ts';
import { waitingCallsOn, waitingCallsWhere } from '../call/store.ts';
import { calls } from '../call/tables.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { adminCause, PARENT_FROZEN } from '../mandate/causes.ts';
import { freezeMandates } from '../mandate/freeze.ts';
import { findMandate, freezeCauses } from '../mandate/store.ts';
import { liftCause } from '../mandate/thaw.ts';
import { findPerson } from '../person/store.ts';
import { holdTenant, theTenant } from '../tenant/store.ts';
import { freezeTarget, type FreezeTarget } from './target.ts';

/** The queue for the rest of a freeze that is too large for one transaction. */
export const FOLLOW_FREEZE = 'follow-freeze';
/** The number of mandates (with everything below them) or calls that one transaction changes. */
export const FOLLOW_PIECE = 200;

/** The progress of the work that follows a freeze or its lifting. It is the data of a job. */
export type Following = {
  readonly doing: 'freeze' | 'lift';
  readonly target: string;
  readonly actor: string;
  readonly reason: string;
  /** The last call that existed when the target was frozen. Later calls are not withdrawn. */
  readonly until: string;
  readonly step: 'mandates' | 'calls';
  /** The id after which the next part begins. */
  readonly after: string;
};

/**
 * The result of one part. `next`: how to continue; null: nothing is left, or the opposite was done in the
 * meantime (`stopped`).
 */
export interface Followed {
  readonly next: Following | null;
  readonly stopped: boolean;
  readonly mandates: readonly string[];
  readonly calls: number;
}

/**
 * Does the next part of the work that follows a freeze by the kill switch: it updates the rows of mandates
 * and calls to what has been in effect since the target was frozen. Locks the target against the opposite
 * action, and does nothing if that was done in the meantime. May run any number of times.
 */
export async function followFreeze(ctx: TenantWriter, at: Following): Promise<Followed> {
  const target = freezeTarget(at.target);
  if ((await isHeld(ctx, target)) !== (at.doing === 'freeze'))
    return { next: null, stopped: true, mandates: [], calls: 0 };
  if (at.step === 'calls') return withdrawPiece(ctx, at, target);
  return at.doing === 'freeze' ? freezePiece(ctx, at, target) : liftPiece(ctx, at, target);
}

async function freezePiece(ctx: TenantWriter, at: Following, target: FreezeTarget): Promise<Followed> {
  const roots = await openRoots(ctx, target, at.after, sql`true`);
  const cause = target.kind === 'mandate' ? PARENT_FROZEN : adminCause(target.id);
  const mandates = (await freezeMandates(ctx, roots, cause, at.actor)).map((mandate) => mandate.id);
  const waiting = mandates.length === 0 ? [] : await waitingCallsOn(ctx, { mandateIds: mandates });
  await withdrawCalls(ctx, waiting, { actor: at.actor, reason: at.reason });
  const next = nextPiece(at, roots) ?? { ...at, step: 'calls' as const, after: '' };
  return { next, stopped: false, mandates, calls: waiting.length };
}

async function liftPiece(ctx: TenantWriter, at: Following, target: FreezeTarget): Promise<Followed> {
  const cause = adminCause(target.id);
  const held = sql`exists (select 1 from mandate_freezes f where f.tenant_id = m.tenant_id and f.mandate_id = m.id and f.cause = ${cause})`;
  const roots = await openRoots(ctx, target, at.after, held);
  const mandates = await liftCause(ctx, roots, cause, at.actor);
  return { next: nextPiece(at, roots), stopped: false, mandates, calls: 0 };
}

async function withdrawPiece(ctx: TenantWriter, at: Following, target: FreezeTarget): Promise<Followed> {
  const on = {
    agent: sql`(${calls.agentId} = ${target.id} or ${target.id} = any(${calls.targets}))`,
    principal: sql`${calls.principalId} = ${target.id}`,
    mandate: sql`${calls.mandateId} = ${target.id}`,
    organisation: sql`true`,
  }[target.kind];
  const within = sql`${calls.id} > ${at.after} and ${calls.id} <= ${at.until} and ${on}`;
  const waiting = await waitingCallsWhere(ctx, within, FOLLOW_PIECE);
  await withdrawCalls(ctx, waiting, { actor: at.actor, reason: at.reason });
  const ids = waiting.map((call) => call.id);
  return { next: nextPiece(at, ids), stopped: false, mandates: [], calls: ids.length };
}

const nextPiece = (at: Following, done: readonly string[]): Following | null =>
  done.length < FOLLOW_PIECE ? null : { ...at, after: done.at(-1) ?? '' };

/**
 * Ids of the next mandates that depend directly on the target, locked. Mandates below them are changed with
 * them.
 */
async function openRoots(
  ctx: TenantWriter,
  target: FreezeTarget,
  after: string,
  more: SQL,
): Promise<string[]> {
  const of = {
    agent: sql`m.agent_id = ${target.id}`,
    principal: sql`m.principal_id = ${target.id}`,
    mandate: sql`m.parent_id = ${target.id}`,
    // The organisation's own status stops all of them; otherwise each would have to be thawed later.
    organisation: sql`false`,
  }[target.kind];
  const rows = await ctx.db.execute<{ id: string }>(sql`
    select m.id from mandates m
     where m.tenant_id = ${ctx.tenantId} and m.state in ('active', 'frozen') and m.id > ${after} and ${of} and ${more}
     order by m.id limit ${FOLLOW_PIECE} for update`);
  return rows.map((row) => row.id);
}

/**
 * Whether the kill switch has frozen the target. Locks the target, so the answer stays true until the
 * transaction ends.
 */
async function isHeld(ctx: TenantWriter, target: FreezeTarget): Promise<boolean> {
  switch (target.kind) {
    case 'agent': {
      const agent = await findAgent(ctx, target.id, 'share');
      return agent !== null && causesOf(agent).includes('admin');
    }
    case 'principal':
      return ((await findPerson(ctx, target.id, 'share'))?.delegationFrozenBy ?? null) !== null;
    case 'mandate':
      await findMandate(ctx, target.id, 'share');
      return (await freezeCauses(ctx, [target.id])).get(target.id)?.includes(adminCause(target.id)) === true;
    case 'organisation':
      await holdTenant(ctx, 'share');
      return (await theTenant(ctx)).status === 'frozen';
  }
}
