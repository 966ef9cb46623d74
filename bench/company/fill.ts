import type { Sql, TransactionSql } from 'postgres';
import { GENESIS_HASH, type LedgerEvent } from '#domain/ledger/entry.ts';
import { ledgerLines } from '#domain/ledger/append.ts';
import { directorySql } from './directory.ts';
import { entriesSql } from './entries.ts';
import { callsSql, mandatesSql } from './delegation.ts';
import type { CompanySize } from './sizes.ts';

/** The days that a filled company looks back on. */
export const DAYS = 90;

/**
 * Helpers of the statements, which end with the connection. `fill_id` makes the id of the nth thing of a
 * kind: in the form of ours, unique among tenants, and before every id that the product makes. `fill_moment`
 * is the time of a slot: the ledger has one time a slot.
 */
const helpers = (slots: number): string => `
  create or replace function pg_temp.fill_id(prefix text, n bigint) returns text stable language sql as $$
    select prefix || '_' || lpad(n::text, 10, '0')
           || substr(md5(prefix || n || current_setting('app.tenant_id')), 1, 16) $$;
  create or replace function pg_temp.fill_moment(slot bigint) returns timestamptz stable language sql as $$
    select date_trunc('milliseconds', now()) - interval '${DAYS} days'
           + slot * interval '${Math.floor((DAYS * 86_400) / slots)} seconds' $$;`;

/**
 * Fills a tenant by SQL, as the database's owner, with rows that the product could have written itself, and
 * with a chained ledger; so `verify-ledger` accepts it. The tenant keeps what it had, and its entries come
 * first, at an earlier time. Two minutes for a company of real size. A tenant can be filled once.
 *
 * What it does not make: timers of mandates and approvals, messages in Slack, the people at the simulated
 * Okta. So a directory sync would find everybody missing: prevent it where the server runs for hours.
 */
export async function fillCompany(owner: Sql, tenantId: string, size: CompanySize): Promise<void> {
  const slots = Math.max(10, Math.min(1000, Math.floor(size.entries / 100)));
  await owner.begin(async (tx) => {
    await tx`select set_config('app.tenant_id', ${tenantId}, true)`;
    await tx.unsafe(helpers(slots));
    await tx.unsafe(directorySql(size));
    await tx.unsafe(mandatesSql(size, slots));
    await tx.unsafe(callsSql(size, slots));
    await beginEarlier(tx, tenantId);
    await tx.unsafe(entriesSql(size, slots));
  });
  // As autovacuum would: plans and index-only scans depend on it.
  await owner.unsafe('vacuum (analyze)');
}

/** Puts the ledger's entries, which are of today, before the time that is filled. */
async function beginEarlier(tx: TransactionSql, tenantId: string): Promise<void> {
  const entries = await tx<{ event: LedgerEvent; actor: string; data: Record<string, unknown> }[]>`
    select event, actor, data from ledger where tenant_id = ${tenantId} order by seq`;
  await tx`delete from ledger where tenant_id = ${tenantId}`;
  await tx`delete from ledger_mentions where tenant_id = ${tenantId}`;
  await tx`delete from ledger_chapters where tenant_id = ${tenantId}`;
  await tx`delete from ledger_checkpoints where tenant_id = ${tenantId}`;
  await tx`update ledger_heads set seq = 0, hash = ${GENESIS_HASH} where tenant_id = ${tenantId}`;
  if (entries.length === 0) return;
  const lines = ledgerLines(new Date(Date.now() - (DAYS + 1) * 86_400_000), entries);
  await tx`select ledger_append(${tenantId}, ${lines.at}, ${lines.json}::text::json)`;
}
