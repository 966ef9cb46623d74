import { and, eq, inArray } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { scopes as catalogue } from '../scope/tables.ts';
import { findMandate } from './store.ts';

type Asked = {
  readonly scopes: readonly string[];
  readonly amount?: number | null | undefined;
  readonly currency?: string | null | undefined;
};

/**
 * Why a scope cannot be given: the catalogue does not have it, or the person lacks a role that may hold it.
 */
export interface ScopeProblem {
  readonly scope: string;
  readonly problem: 'unknown' | 'not_for_you';
}

/**
 * What is wrong with the scopes that are asked for. Each must be in the tenant's catalogue. If the
 * catalogue names holders for it, the person must have one of those roles. With an empty catalogue,
 * every scope is unknown.
 */
export async function scopeProblems(
  reader: TenantReader,
  asked: readonly string[],
  roles: readonly string[],
): Promise<ScopeProblem[]> {
  const rows = await reader.db
    .select({ scope: catalogue.scope, holders: catalogue.holders })
    .from(catalogue)
    .where(eq(catalogue.tenantId, reader.tenantId));
  const known = new Map(rows.map((row) => [row.scope, row.holders]));
  return asked.flatMap((scope): ScopeProblem[] => {
    const holders = known.get(scope);
    if (holders === undefined) return [{ scope, problem: 'unknown' }];
    const may = holders.length === 0 || holders.some((role) => roles.includes(role));
    return may ? [] : [{ scope, problem: 'not_for_you' }];
  });
}

/**
 * Whether a mandate with these scopes is of high value: the catalogue marks a scope `high`, or the amount may
 * be above a scope's threshold. Without a limit on the amount, or with a limit in another currency, it may
 * be. A scope that is no longer in the catalogue also counts as high, since nothing says what it is worth.
 */
export async function isHighValue(reader: TenantReader, asked: Asked): Promise<boolean> {
  if (asked.scopes.length === 0) return false;
  const rows = await reader.db
    .select()
    .from(catalogue)
    .where(and(eq(catalogue.tenantId, reader.tenantId), inArray(catalogue.scope, [...asked.scopes])));
  const known = new Set(rows.map((row) => row.scope));
  if (asked.scopes.some((scope) => !known.has(scope))) return true;
  return rows.some(
    (row) =>
      row.sensitivity === 'high' ||
      (row.amountThreshold !== null &&
        (asked.amount == null ||
          asked.currency !== row.currency ||
          asked.amount > Number(row.amountThreshold))),
  );
}

/**
 * The same for a mandate that exists, as it is now. False if there is no such mandate: the caller's
 * decision refuses that first.
 */
export async function isHighValueMandate(reader: TenantReader, mandateId: string): Promise<boolean> {
  const mandate = await findMandate(reader, mandateId);
  if (mandate === null) return false;
  const amount = mandate.amount === null ? null : Number(mandate.amount);
  return isHighValue(reader, { ...mandate, amount });
}
