import type { AgentActor } from '#domain/actor.ts';
import type { Worth } from '#domain/mandate/rules.ts';
import type { App } from '#engine/app.ts';
import type { Checked } from '#engine/decide/verify.ts';
import { parseInput } from '#engine/explain.ts';
import { resolveReferences } from '#engine/references.ts';
import { adminRolesOf } from '#engine/saved-call.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';
import { readonly } from '#engine/transact.ts';
import { lookContext } from '#engine/world.ts';
import { Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';
import type { VerifyCheck } from './verify-check.ts';
import { resourceOf, targetsOf, type Read } from './verify-resource.ts';

/** What a check is prepared with. */
interface Asking {
  readonly app: App;
  readonly caller: Pick<Caller, 'tenantId'>;
  readonly signal: AbortSignal;
}

/**
 * The tool that a check means: the named one, or the only one that requires this scope. Null if none does.
 * Throws Fault `not_found` for an unknown tool, and `invalid_input` if several require it.
 */
function toolOf(app: App, check: VerifyCheck) {
  if (check.tool !== undefined) {
    const entry = app.catalogue.get(check.tool);
    if (entry === undefined) throw new Fault('not_found', `There is no tool "${check.tool}".`);
    return entry;
  }
  const tools = app.catalogue.all.filter(
    ({ tool }) => tool.scope === check.action && tool.scope !== IMPLIED_SCOPE,
  );
  if (tools.length > 1) {
    const names = tools.map(({ tool }) => tool.name).join(', ');
    throw new Fault('invalid_input', `Several tools use ${check.action}. Name one of them: ${names}.`, {
      detail: { problems: [{ field: 'tool', problem: `one of ${names}` }] },
    });
  }
  return tools[0] ?? null;
}

/**
 * The scope that a check is about: its tool's, or the one that it names. Throws as a check with an unknown or
 * an ambiguous tool does: Fault `not_found` or `invalid_input`.
 */
export const scopeOf = (app: App, check: VerifyCheck): string =>
  toolOf(app, check)?.tool.scope ?? check.action ?? '';

/**
 * Prepares a check for its decision: resolves references to ids, and for an act asks the provider for the
 * targets' administrator roles. Says `nothing` if it names something that does not exist. Decides nothing.
 */
export async function prepareCheck(
  asking: Asking,
  actor: AgentActor,
  check: VerifyCheck,
): Promise<Checked | Nothing> {
  const checked = await checkedOf(asking, actor, check);
  if (checked.kind !== 'tool' || checked.entry.tool.effects !== 'act') return checked;
  const { directory } = await lookContext(asking.app, asking.caller.tenantId, actor, asking.signal);
  return { ...checked, adminRoles: await adminRolesOf(directory, checked.targets) };
}

/** A check that names something that does not exist. */
interface Nothing {
  readonly kind: 'nothing';
  /** What was looked up, and how to name it. */
  readonly message: string;
}

/** The check with ids in place of references. */
async function checkedOf(
  { app, caller }: Asking,
  actor: AgentActor,
  check: VerifyCheck,
): Promise<Checked | Nothing> {
  const { input: given, resource } = check;
  const worth: Worth | null =
    check.amount === undefined ? null : { value: check.amount, currency: check.currency ?? '' };
  const entry = toolOf(app, check);
  const read: Read = (work) => readonly(app, caller.tenantId, work);
  try {
    if (entry === null) {
      const scope = check.action ?? '';
      return { kind: 'scope', scope, resource: await resourceOf(read, resource), worth };
    }
    const input =
      given === undefined
        ? null
        : await read((reader) => resolveReferences(reader, entry, actor, parseInput(entry, given)));
    const targets = input === null ? await targetsOf(read, resource) : entry.tool.targets(input);
    return {
      kind: 'tool',
      entry,
      targets,
      input,
      worth: worth ?? (input === null ? null : (entry.tool.worth?.(input) ?? null)),
      adminRoles: new Map(),
    };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not_found') throw error;
    return { kind: 'nothing', message: error.message };
  }
}
