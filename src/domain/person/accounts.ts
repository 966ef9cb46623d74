import { and, eq, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { people, slackAccounts } from './tables.ts';

/** What is remembered of a Slack account since we first took it for somebody. */
export type SlackAccount = typeof slackAccounts.$inferSelect;

export async function slackAccount(reader: TenantReader, slackUser: string): Promise<SlackAccount | null> {
  const [row] = await reader.db
    .select()
    .from(slackAccounts)
    .where(and(eq(slackAccounts.tenantId, reader.tenantId), eq(slackAccounts.slackUser, slackUser)));
  return row ?? null;
}

/** The account that a person was first taken for, or null where there is none yet. */
export async function slackAccountOf(reader: TenantReader, personId: string): Promise<SlackAccount | null> {
  const [row] = await reader.db
    .select()
    .from(slackAccounts)
    .where(and(eq(slackAccounts.tenantId, reader.tenantId), eq(slackAccounts.personId, personId)));
  return row ?? null;
}

/**
 * Remembers which person an account was the first time, and by which email address. Whoever can edit their own profile could
 * otherwise become somebody else by writing another address into it. An account that is known keeps what is known, and a person keeps
 * their account. False where the account is not this person's after it.
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

/** Notes that another account shows the person's email address; true the first time in a row, which is to be told. */
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

/** Forgets the accounts of a person and that their address has changed, so that the next one to present it is taken for them. Returns the accounts. */
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
