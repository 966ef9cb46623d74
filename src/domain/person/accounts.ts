import { and, eq, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { people, slackAccounts } from './tables.ts';

/** What we remember about a Slack account since it was first matched to a person. */
export type SlackAccount = typeof slackAccounts.$inferSelect;

/** What we remember about a Slack account, or null. */
export async function slackAccount(reader: TenantReader, slackUser: string): Promise<SlackAccount | null> {
  const [row] = await reader.db
    .select()
    .from(slackAccounts)
    .where(and(eq(slackAccounts.tenantId, reader.tenantId), eq(slackAccounts.slackUser, slackUser)));
  return row ?? null;
}

/** The account that was first matched to a person, or null if there is none yet. */
export async function slackAccountOf(reader: TenantReader, personId: string): Promise<SlackAccount | null> {
  const [row] = await reader.db
    .select()
    .from(slackAccounts)
    .where(and(eq(slackAccounts.tenantId, reader.tenantId), eq(slackAccounts.personId, personId)));
  return row ?? null;
}

/**
 * Remembers which person a Slack account was first matched to, and by which email address. Without this,
 * people who can edit their own Slack profile could become someone else by entering another address. An
 * account keeps its first match, and a person keeps their first account. Returns false if the account does
 * not belong to this person afterwards.
 */
export async function rememberSlackAccount(
  ctx: TenantWriter,
  slackUser: string,
  personId: string,
  email: string,
): Promise<boolean> {
  await ctx.db
    .insert(slackAccounts)
    .values({ tenantId: ctx.tenantId, slackUser, personId, firstEmail: email, createdAt: ctx.now })
    .onConflictDoNothing();
  return (await slackAccountOf(ctx, personId))?.slackUser === slackUser;
}

/**
 * Notes that another account shows the person's email address. True if this is a new account, which should
 * be reported.
 */
export async function contestSlackAccount(
  ctx: TenantWriter,
  personId: string,
  contestedBy: string,
): Promise<boolean> {
  const rows = await ctx.db
    .update(slackAccounts)
    .set({ contestedBy })
    .where(
      and(
        eq(slackAccounts.tenantId, ctx.tenantId),
        eq(slackAccounts.personId, personId),
        sql`${slackAccounts.contestedBy} is distinct from ${contestedBy}`,
      ),
    )
    .returning({ slackUser: slackAccounts.slackUser });
  return rows.length === 1;
}

/**
 * Forgets a person's accounts and that their address has changed, so that the next account with their
 * address is matched to them. Returns the forgotten accounts.
 */
export async function forgetSlackAccounts(ctx: TenantWriter, personId: string): Promise<string[]> {
  await ctx.db
    .update(people)
    .set({ emailChangedAt: null })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, personId)));
  const rows = await ctx.db
    .delete(slackAccounts)
    .where(and(eq(slackAccounts.tenantId, ctx.tenantId), eq(slackAccounts.personId, personId)))
    .returning({ slackUser: slackAccounts.slackUser });
  return rows.map((row) => row.slackUser);
}
