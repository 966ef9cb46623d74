import type { Actor } from '#domain/actor.ts';
import type { Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import { spendUseOf } from '#domain/mandate/uses.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import type { AdminRoles } from './decide/entities.ts';
import { IMPLIED_SCOPE, type Targets } from './tool.ts';

/** The queue whose job runs every act and every approved call. */
export const EXECUTE_CALL = 'execute-call';

/** The same question again, of a call that has been saved: at its execution, in the committing transaction (law 2). */
export function savedQuestion(app: App, saved: Call, adminRoles: AdminRoles) {
  const entry = app.catalogue.get(saved.tool);
  if (entry === undefined) throw new Fault('not_found', `The tool ${saved.tool} is no longer there.`);
  const { tool } = entry;
  return {
    entry,
    actor: saved.actor,
    targets: tool.targets(saved.input),
    adminRoles,
    worth: tool.worth?.(saved.input) ?? null,
  };
}

/** Counts a use of the mandate and of those above it, and ends each with its last one; they are locked until the commit. */
export async function spendMandateUse(ctx: TenantWriter, actor: Actor, scope: string): Promise<void> {
  if (actor.kind !== 'agent' || scope === IMPLIED_SCOPE) return;
  await spendUseOf(ctx, actor.mandateId);
}

/** Administrator roles of every person among the targets, read now; a provider that refuses to say gives null. */
export async function adminRolesOf(
  directory: { adminRoles(person: string): Promise<string[] | null> },
  targets: Targets,
): Promise<AdminRoles> {
  const ids = targets.flatMap((target) => (target.type === 'Person' ? [target.id] : []));
  return new Map(await Promise.all(ids.map(async (id) => [id, await directory.adminRoles(id)] as const)));
}
