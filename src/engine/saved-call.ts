import type { Actor } from '#domain/actor.ts';
import type { Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import { spendUseOf } from '#domain/mandate/uses.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import type { AdminRoles } from './decide/entities.ts';
import { IMPLIED_SCOPE, type Targets } from './tool.ts';

/** The queue of the job that runs acts and approved calls. */
export const EXECUTE_CALL = 'execute-call';

/**
 * The question of a saved call, to decide it again in the committing transaction of its execution (law 2).
 * Throws Fault `not_found` if the tool no longer exists.
 */
export function savedQuestion(app: App, saved: Call, adminRoles: AdminRoles) {
  const entry = app.catalogue.get(saved.tool);
  if (entry === undefined) throw new Fault('not_found', `The tool ${saved.tool} no longer exists.`);
  const { tool } = entry;
  return {
    entry,
    actor: saved.actor,
    targets: tool.targets(saved.input),
    adminRoles,
    worth: tool.worth?.(saved.input) ?? null,
  };
}

/**
 * Counts one use of the agent's mandate and of the mandates above it, and ends each that has no use left.
 * Locks them until the commit. Does nothing for people, for API keys and for the implied scope.
 */
export async function spendMandateUse(ctx: TenantWriter, actor: Actor, scope: string): Promise<void> {
  if (actor.kind !== 'agent' || scope === IMPLIED_SCOPE) return;
  await spendUseOf(ctx, actor.mandateId);
}

/**
 * The administrator roles of every person among the targets, read now. Null where the provider refuses to
 * say.
 */
export async function adminRolesOf(
  directory: { adminRoles(person: string): Promise<string[] | null> },
  targets: Targets,
): Promise<AdminRoles> {
  const ids = targets.flatMap((target) => (target.type === 'Person' ? [target.id] : []));
  return new Map(await Promise.all(ids.map(async (id) => [id, await directory.adminRoles(id)] as const)));
}
