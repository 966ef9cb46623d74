import { and, eq, isNull, ne, or, sql, type SQL } from 'drizzle-orm';
import { Fault, type FaultCode } from '#lib/fault.ts';
import { foldedAll } from '../../db/tenant-table.ts';
import type { TenantWriter } from '../context.ts';
import { people } from './tables.ts';

/**
 * Refuses a change because a person, user name or email address belongs to another source. `detail` names the
 * source and the person for the ledger. SCIM clients see neither.
 */
export const otherSource = (
  code: FaultCode,
  message: string,
  about: { readonly provider: string; readonly person?: string },
): Fault =>
  new Fault(code, message, { detail: { other_source: about.provider, person: about.person ?? null } });

/**
 * Checks that no one of another source has one of these user names or email addresses: Slack and people
 * identify each other by them, and a duplicate would make both ambiguous. Throws Fault `conflict`. Former
 * accounts do not count. Call `holdNames` first, so that two sources cannot take a name at the same time.
 */
export async function requireFreeNames(
  ctx: TenantWriter,
  provider: string,
  names: readonly string[],
): Promise<void> {
  const wanted = foldedAll(names.filter((name) => name !== ''));
  const [other] = await ctx.db
    .select({ id: people.id, provider: people.provider })
    .from(people)
    .where(
      and(
        eq(people.tenantId, ctx.tenantId),
        ne(people.provider, provider),
        ne(people.status, 'DEPROVISIONED'),
        isNull(people.missingAt),
        or(sql`${people.loginFolded} = any(${wanted})`, sql`${people.emailFolded} = any(${wanted})`),
      ),
    )
    .orderBy(people.id)
    .limit(1);
  if (other === undefined) return;
  throw otherSource(
    'conflict',
    'A person from another source has this user name or email address. If it is the same person, IT admins can link the sources (provider_link). Otherwise use another value.',
    { provider: other.provider, person: other.id },
  );
}

/**
 * Allows one writer at a time for each of these names, whatever its case, until the commit. A unique index
 * cannot do this,
 * because people of different sources may share a name.
 */
export async function holdNames(ctx: TenantWriter, names: readonly string[]): Promise<void> {
  await ctx.db.execute(sql`
    select pg_advisory_xact_lock(key) from (
      select distinct hashtextextended(${`scim:${ctx.tenantId}:`} || name, 0) as key
        from unnest(${foldedAll(names.filter((name) => name !== ''))}) as name order by key) as keys`);
}

/**
 * SQL for `email_changed_at` when `email` replaces the address of `row` (the table or its alias): now if the
 * person had another address before, else unchanged. A first address is not a change.
 */
export const emailChange = (row: 'people' | 'p', email: SQL, now: Date): SQL => {
  const [before, since] = [sql.raw(`${row}.email`), sql.raw(`${row}.email_changed_at`)];
  return sql`case when ${before} <> '' and folded(${before}) <> folded(${email}::text) then ${now.toISOString()}::timestamptz else ${since} end`;
};
