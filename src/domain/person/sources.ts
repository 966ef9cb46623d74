import { and, eq, isNull, ne, or, sql, type SQL } from 'drizzle-orm';
import { Fault, type FaultCode } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import { people } from './tables.ts';

/**
 * A refusal because a person, a user name or an email address is another source's. `detail` says which source and whose it is, for the ledger;
 * SCIM shows none of it.
 */
export const otherSource = (
  code: FaultCode,
  message: string,
  about: { readonly provider: string; readonly person?: string },
): Fault =>
  new Fault(code, message, { detail: { other_source: about.provider, person: about.person ?? null } });

/**
 * Refuses a user name or an email address that somebody of another source has: a twin would make both of them ambiguous, and Slack and people know each
 * other by it. Fault `conflict`. Former accounts keep no name. `holdNames` first, so that two sources do not take one at once.
 */
export async function requireFreeNames(
  ctx: TenantWriter,
  provider: string,
  names: readonly string[],
): Promise<void> {
  const wanted = sql.param(names.filter((name) => name !== '').map((name) => name.toLowerCase()));
  const [other] = await ctx.db
    .select({ id: people.id, provider: people.provider })
    .from(people)
    .where(
      and(
        eq(people.tenantId, ctx.tenantId),
        ne(people.provider, provider),
        ne(people.status, 'DEPROVISIONED'),
        isNull(people.missingAt),
        or(
          sql`lower(${people.login}) = any(${wanted}::text[])`,
          sql`lower(${people.email}) = any(${wanted}::text[])`,
        ),
      ),
    )
    .orderBy(people.id)
    .limit(1);
  if (other === undefined) return;
  throw otherSource(
    'conflict',
    'Somebody whom another source tells of has this user name or email address. If it is the same person, IT admins can link the sources (provider_link); otherwise choose another one.',
    { provider: other.provider, person: other.id },
  );
}

/** One writer at a time for each of these names: `people` may hold one twice (other sources), so no unique index can say it. */
export async function holdNames(ctx: TenantWriter, names: readonly string[]): Promise<void> {
  const wanted = new Set(names.filter((name) => name !== '').map((name) => name.toLowerCase()));
  for (const name of [...wanted].sort())
    await ctx.db.execute(
      sql`select pg_advisory_xact_lock(hashtextextended(${`scim:${ctx.tenantId}:${name}`}, 0))`,
    );
}

/**
 * What `email_changed_at` is once `email` stands in place of the address of `row` (the table, or its alias): the moment, where the
 * person had another one. A first address is no change.
 */
export const emailChange = (row: 'people' | 'p', email: SQL, now: Date): SQL => {
  const [before, since] = [sql.raw(`${row}.email`), sql.raw(`${row}.email_changed_at`)];
  return sql`case when ${before} <> '' and lower(${before}) <> lower(${email}) then ${now.toISOString()}::timestamptz else ${since} end`;
};
