import { and, eq, inArray } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { scopes as catalogue } from '../scope/tables.ts';
import { findMandate } from './store.ts';

type Asked = {
  readonly scopes: readonly string[];
  readonly amount?: number | null | undefined;
  readonly currency?: string | null | undefined;
};

/** Whether a person of these roles may be given a scope: null, or why not. */
export interface ScopeProblem {
  readonly scope: string;
  readonly problem: 'unknown' | 'not_for_you';
}

/**
 * What is wrong with scopes that are asked for. A scope must be in the tenant's catalogue, and where that names holders the
 * person must have one of those roles. An empty catalogue has none.
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
 * Whether giving this away is of high value: a scope that the catalogue marks `high`, or more than a scope's threshold. Without a
 * limit on the amount, or in another currency than the threshold's, it may be more: that counts as high. So does a scope that is
 * not in the catalogue any more, since nobody says what it is worth.
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

/** The same of a mandate that stands, as it is now. False where it is not there: whoever decides refuses that first. */
export async function isHighValueMandate(reader: TenantReader, mandateId: string): Promise<boolean> {
  const mandate = await findMandate(reader, mandateId);
  if (mandate === null) return false;
  const amount = mandate.amount === null ? null : Number(mandate.amount);
  return isHighValue(reader, { ...mandate, amount });
}
