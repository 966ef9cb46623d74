import { and, desc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { oidcModels } from '../token/tables.ts';

/** A row of the browser sign-in: a session, grant, code, refresh token and so on (`kind`). */
export interface SignInRow {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly consumedAt: Date | null;
}

/** A row to save. After `expiresAt` it counts as missing; null: it does not expire. */
export interface NewSignInRow {
  readonly kind: string;
  readonly id: string;
  readonly payload: Record<string, unknown>;
  readonly expiresAt: Date | null;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const alive = (reader: TenantReader) =>
  or(isNull(oidcModels.expiresAt), gt(oidcModels.expiresAt, reader.now));
const named = (reader: TenantReader, kind: string) =>
  and(eq(oidcModels.tenantId, reader.tenantId), eq(oidcModels.kind, kind));

/** Saves or replaces a row. Whether it was consumed does not change. */
export async function saveSignInRow(ctx: TenantWriter, row: NewSignInRow): Promise<void> {
  const columns = {
    payload: row.payload,
    grantId: text(row.payload['grantId']),
    uid: text(row.payload['uid']),
    userCode: text(row.payload['userCode']),
    expiresAt: row.expiresAt,
  };
  await ctx.db
    .insert(oidcModels)
    .values({ tenantId: ctx.tenantId, kind: row.kind, id: row.id, ...columns })
    .onConflictDoUpdate({ target: [oidcModels.tenantId, oidcModels.kind, oidcModels.id], set: columns });
}

/** Adds a row. False if it exists already. Of concurrent callers, exactly one commits with true. */
export async function addSignInRow(ctx: TenantWriter, row: NewSignInRow): Promise<boolean> {
  const added = await ctx.db
    .insert(oidcModels)
    .values({ tenantId: ctx.tenantId, ...row })
    .onConflictDoNothing()
    .returning({ id: oidcModels.id });
  return added.length > 0;
}

/** The row, or null if it is missing or has expired. */
export async function findSignInRow(
  reader: TenantReader,
  kind: string,
  id: string,
): Promise<SignInRow | null> {
  const [row] = await reader.db
    .select({ payload: oidcModels.payload, consumedAt: oidcModels.consumedAt })
    .from(oidcModels)
    .where(and(named(reader, kind), eq(oidcModels.id, id), alive(reader)));
  return row ?? null;
}

/** The row whose payload has this `uid`, or null if it is missing or has expired. */
export async function findSignInRowByUid(
  reader: TenantReader,
  kind: string,
  uid: string,
): Promise<SignInRow | null> {
  const [row] = await reader.db
    .select({ payload: oidcModels.payload, consumedAt: oidcModels.consumedAt })
    .from(oidcModels)
    .where(and(named(reader, kind), eq(oidcModels.uid, uid), alive(reader)));
  return row ?? null;
}

/** Marks a row as used. Of any number of concurrent callers, exactly one gets true. */
export async function consumeSignInRow(ctx: TenantWriter, kind: string, id: string): Promise<boolean> {
  const consumed = await ctx.db
    .update(oidcModels)
    .set({ consumedAt: ctx.now })
    .where(and(named(ctx, kind), eq(oidcModels.id, id), isNull(oidcModels.consumedAt), alive(ctx)))
    .returning({ id: oidcModels.id });
  return consumed.length > 0;
}

/** Marks a row as used and adds `more` to its payload. Of concurrent callers, exactly one gets true. */
export async function spendSignInRow(
  ctx: TenantWriter,
  kind: string,
  id: string,
  more: Readonly<Record<string, string>>,
): Promise<boolean> {
  const spent = await ctx.db
    .update(oidcModels)
    .set({
      consumedAt: ctx.now,
      payload: sql`${oidcModels.payload} || ${JSON.stringify(more)}::jsonb`,
    })
    .where(and(named(ctx, kind), eq(oidcModels.id, id), isNull(oidcModels.consumedAt), alive(ctx)))
    .returning({ id: oidcModels.id });
  return spent.length > 0;
}

/** Deletes a row and returns its payload. Exactly one caller gets it, all others get null. */
export async function takeSignInRow(
  ctx: TenantWriter,
  kind: string,
  id: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const [row] = await ctx.db
    .delete(oidcModels)
    .where(and(named(ctx, kind), eq(oidcModels.id, id), alive(ctx)))
    .returning({ payload: oidcModels.payload });
  return row?.payload ?? null;
}

/** Deletes a row, if it exists. */
export async function deleteSignInRow(ctx: TenantWriter, kind: string, id: string): Promise<void> {
  await ctx.db.delete(oidcModels).where(and(named(ctx, kind), eq(oidcModels.id, id)));
}

/**
 * Ends a grant with all codes and refresh tokens that came from it. Access tokens end too, because each use
 * looks for the grant.
 */
export const endGrant = (ctx: TenantWriter, grantId: string): Promise<void> => endGrants(ctx, [grantId]);

/** Ends several grants in the same way. */
export async function endGrants(ctx: TenantWriter, grantIds: readonly string[]): Promise<void> {
  const ids = sql`any(${sql.param([...grantIds])}::text[])`;
  await ctx.db
    .delete(oidcModels)
    .where(
      and(
        eq(oidcModels.tenantId, ctx.tenantId),
        or(
          sql`${oidcModels.grantId} = ${ids}`,
          and(eq(oidcModels.kind, 'Grant'), sql`${oidcModels.id} = ${ids}`),
        ),
      ),
    );
}

/** The id of the newest grant that this person gave this client, or null. */
export async function newestGrantId(
  reader: TenantReader,
  subject: string,
  clientId: string,
): Promise<string | null> {
  const [row] = await reader.db
    .select({ id: oidcModels.id })
    .from(oidcModels)
    .where(
      and(
        named(reader, 'Grant'),
        eq(oidcModels.accountId, subject),
        sql`${oidcModels.payload}->>'clientId' = ${clientId}`,
        alive(reader),
      ),
    )
    .orderBy(desc(oidcModels.expiresAt))
    .limit(1);
  return row?.id ?? null;
}

/**
 * Ends everything that a person is signed in to: sessions, grants, codes and refresh tokens. `subject` is
 * `oidc:<provider>:<uid>`.
 */
export async function endSignIns(ctx: TenantWriter, subject: string): Promise<void> {
  await ctx.db
    .delete(oidcModels)
    .where(and(eq(oidcModels.tenantId, ctx.tenantId), eq(oidcModels.accountId, subject)));
}

/** How many rows of each kind that need no sign-in a tenant keeps. */
export const STRANGERS_ROWS = 5000;

/**
 * Deletes the oldest rows of a kind beyond that limit, among those in which nobody has signed in. Rows that
 * are added at the same time may exceed the limit until the next time.
 */
export async function boundStrangers(ctx: TenantWriter, kind: string): Promise<void> {
  const person = sql`coalesce(${oidcModels.accountId}, ${oidcModels.payload}->'session'->>'accountId')`;
  const over = ctx.db
    .select({ id: oidcModels.id })
    .from(oidcModels)
    .where(and(named(ctx, kind), isNull(person)))
    .orderBy(desc(oidcModels.expiresAt))
    .offset(STRANGERS_ROWS);
  // Rows that another transaction is deleting or using are skipped, so two never wait for each other. Each
  // list is an array, because PostgreSQL may evaluate `in (select … for update)` again for each row.
  const free = ctx.db
    .select({ id: oidcModels.id })
    .from(oidcModels)
    .where(and(named(ctx, kind), sql`${oidcModels.id} = any(array${over})`))
    .for('update', { skipLocked: true });
  await ctx.db.delete(oidcModels).where(and(named(ctx, kind), sql`${oidcModels.id} = any(array${free})`));
}

/** The maximum number of registered clients of a tenant. */
const MAX_REGISTERED = 1000;

/** Locks the tenant's registrations until the commit, and says whether another client may register. */
export async function roomForClient(ctx: TenantWriter): Promise<boolean> {
  await ctx.db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`register:${ctx.tenantId}`}, 0))`);
  const [row] = await ctx.db
    .select({ seen: sql<number>`count(*)::int` })
    .from(oidcModels)
    .where(and(named(ctx, 'Client'), alive(ctx)));
  return (row?.seen ?? 0) < MAX_REGISTERED;
}

/**
 * Keeps a registered client registered at least until its grant ends. Does nothing for a client with a
 * metadata document.
 */
export async function keepRegistration(ctx: TenantWriter, clientId: string, until: Date): Promise<void> {
  const row = or(
    and(eq(oidcModels.kind, 'Client'), eq(oidcModels.id, clientId)),
    and(
      eq(oidcModels.kind, 'RegistrationAccessToken'),
      sql`${oidcModels.payload}->>'clientId' = ${clientId}`,
    ),
  );
  await ctx.db
    .update(oidcModels)
    .set({ expiresAt: sql`greatest(${oidcModels.expiresAt}, ${until.toISOString()}::timestamptz)` })
    .where(and(eq(oidcModels.tenantId, ctx.tenantId), row));
}

/** Deletes rows that have expired. */
export async function forgetSignIns(ctx: TenantWriter): Promise<void> {
  await ctx.db
    .delete(oidcModels)
    .where(and(eq(oidcModels.tenantId, ctx.tenantId), lt(oidcModels.expiresAt, ctx.now)));
}
