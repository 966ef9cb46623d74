import { findAgent } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson } from '#domain/person/store.ts';
import { say, type Line } from '#lib/sanitise.ts';
import type { AnyTool, Target, Targets } from './tool.ts';

/**
 * One line for people: what the tool does, and its targets by their names in the directory. Never contains
 * the tool's name.
 */
export async function summaryOf(
  reader: TenantReader,
  tool: Pick<AnyTool, 'title' | 'lead'>,
  targets: Targets,
): Promise<Line> {
  const names = (await Promise.all(targets.map((target) => nameOf(reader, target)))).filter(
    (name) => name !== null,
  );
  if (names.length === 0) return say`${tool.title}`;
  return say`${tool.lead ?? `${tool.title} for`} ${names.join(', ')}`;
}

async function nameOf(reader: TenantReader, target: Target): Promise<string | null> {
  if (target.type === 'Tenant') return null;
  if (target.type === 'Person') return (await findPerson(reader, target.id))?.displayName ?? target.id;
  if (target.type === 'Agent') return (await findAgent(reader, target.id))?.name ?? target.id;
  return target.id;
}
