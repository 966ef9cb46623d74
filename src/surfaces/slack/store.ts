import { and, asc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '#domain/context.ts';
import { replays } from '#domain/token/tables.ts';
import { newId } from '#lib/id.ts';
import { slackDrafts, slackIntake, slackMessages } from './tables.ts';

export type SlackMessage = typeof slackMessages.$inferSelect;

/** Spends keys that may be used once; true where every one of them was unspent. */
export async function spendOnce(
  ctx: TenantWriter,
  keys: readonly string[],
  expiresAt: Date,
): Promise<boolean> {
  const rows = await ctx.db
    .insert(replays)
    .values(keys.map((key) => ({ tenantId: ctx.tenantId, key, expiresAt })))
    .onConflictDoNothing()
    .returning({ key: replays.key });
  return rows.length === new Set(keys).size;
}

/** Saves what a person has begun, bound to that person. `id` is all that travels to Slack. */
export async function saveDraft(
  ctx: TenantWriter,
  draft: Pick<typeof slackDrafts.$inferInsert, 'id' | 'slackUser' | 'sealed' | 'expiresAt'>,
): Promise<void> {
  // Whoever begins something new is done with what has expired.
  await ctx.db
    .delete(slackDrafts)
    .where(
      and(
        eq(slackDrafts.tenantId, ctx.tenantId),
        eq(slackDrafts.slackUser, draft.slackUser),
        lt(slackDrafts.expiresAt, ctx.now),
      ),
    );
  await ctx.db.insert(slackDrafts).values({ tenantId: ctx.tenantId, ...draft });
}

/**
 * The draft, sealed, where it is this person's, has not been used and has not expired; null otherwise,
 * without saying which.
 */
export async function findDraft(reader: TenantReader, id: string, slackUser: string): Promise<string | null> {
  const [row] = await reader.db
    .select({ sealed: slackDrafts.sealed })
    .from(slackDrafts)
    .where(and(eq(slackDrafts.tenantId, reader.tenantId), usable(reader, id, slackUser)));
  return row?.sealed ?? null;
}

/** Uses it: of any number of takers exactly one gets true. */
export async function takeDraft(ctx: TenantWriter, id: string, slackUser: string): Promise<boolean> {
  const rows = await ctx.db
    .update(slackDrafts)
    .set({ usedAt: ctx.now })
    .where(and(eq(slackDrafts.tenantId, ctx.tenantId), usable(ctx, id, slackUser)))
    .returning({ id: slackDrafts.id });
  return rows.length === 1;
}

const usable = (reader: TenantReader, id: string, slackUser: string) =>
  and(
    eq(slackDrafts.id, id),
    eq(slackDrafts.slackUser, slackUser),
    isNull(slackDrafts.usedAt),
    gt(slackDrafts.expiresAt, reader.now),
  );

/** Every copy of a thing that stands in Slack, or is about to. */
export async function messagesOf(reader: TenantReader, thing: string): Promise<SlackMessage[]> {
  return reader.db
    .select()
    .from(slackMessages)
    .where(and(eq(slackMessages.tenantId, reader.tenantId), eq(slackMessages.thing, thing)))
    .orderBy(asc(slackMessages.id));
}

/** Those of these things about which something stands in Slack, in the order of their ids. */
export async function thingsShown(reader: TenantReader, things: readonly string[]): Promise<string[]> {
  const rows = await reader.db
    .selectDistinct({ thing: slackMessages.thing })
    .from(slackMessages)
    .where(
      and(
        eq(slackMessages.tenantId, reader.tenantId),
        sql`${slackMessages.thing} = any(${sql.param([...things])}::text[])`,
      ),
    )
    .orderBy(asc(slackMessages.thing));
  return rows.map(({ thing }) => thing);
}

/** Writes down a copy before it is posted, so that a crash is seen as a row without `ts`. */
export async function insertMessage(
  ctx: TenantWriter,
  message: Pick<SlackMessage, 'thing' | 'audience' | 'personId' | 'channel'>,
): Promise<SlackMessage> {
  const row = {
    ...message,
    tenantId: ctx.tenantId,
    id: newId('msg'),
    ts: null,
    renderedHash: null,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  await ctx.db.insert(slackMessages).values(row);
  return row;
}

/** Makes a copy that of another thing: it is edited into that from now on. */
export async function handOver(
  ctx: TenantWriter,
  id: string,
  to: Pick<SlackMessage, 'thing' | 'audience'>,
): Promise<void> {
  await ctx.db
    .update(slackMessages)
    .set({ ...to, updatedAt: ctx.now })
    .where(and(eq(slackMessages.tenantId, ctx.tenantId), eq(slackMessages.id, id)));
}

/** What stands in Slack now. */
export async function markMessage(
  ctx: TenantWriter,
  id: string,
  change: { ts: string; renderedHash: string },
): Promise<void> {
  await ctx.db
    .update(slackMessages)
    .set({ ...change, updatedAt: ctx.now })
    .where(and(eq(slackMessages.tenantId, ctx.tenantId), eq(slackMessages.id, id)));
}

/** The tenant of a workspace, or null: the one question that is asked without a tenant. */
export async function tenantOfTeam(
  query: { execute(text: ReturnType<typeof sql>): PromiseLike<readonly unknown[]> },
  teamId: string,
): Promise<string | null> {
  const [row] = (await query.execute(sql`select tenant_of('slack_team', ${teamId}) as id`)) as readonly {
    id: string | null;
  }[];
  return row?.id ?? null;
}

export type Intake = typeof slackIntake.$inferSelect;

/** Writes down what Slack is about to be told that we have. */
export async function saveIntake(ctx: TenantWriter, id: string, sealed: string): Promise<void> {
  await ctx.db.insert(slackIntake).values({ tenantId: ctx.tenantId, id, sealed, receivedAt: ctx.now });
}

/** What was taken in and is not forgotten yet; null for anything else. */
export async function findIntake(reader: TenantReader, id: string): Promise<Intake | null> {
  const [row] = await reader.db.select().from(slackIntake).where(intakeOf(reader, id));
  return row ?? null;
}

/** Says which call it led to; false where somebody else has said so already. */
export async function settleIntake(ctx: TenantWriter, id: string, callId: string): Promise<boolean> {
  const rows = await ctx.db
    .update(slackIntake)
    .set({ doneAt: ctx.now, callId })
    .where(and(intakeOf(ctx, id), isNull(slackIntake.doneAt)))
    .returning({ id: slackIntake.id });
  return rows.length === 1;
}

/** Forgets it, with what was typed. */
export async function forgetIntake(ctx: TenantWriter, id: string): Promise<void> {
  await ctx.db.delete(slackIntake).where(intakeOf(ctx, id));
}

const intakeOf = (reader: TenantReader, id: string) =>
  and(eq(slackIntake.tenantId, reader.tenantId), eq(slackIntake.id, id));
