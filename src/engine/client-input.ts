import { z } from 'zod';
import { principalOf, type Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { Fault } from '#lib/fault.ts';
import { personTarget, TENANT_TARGET, type Targets } from './tool.ts';

/** Whose clients: the one who asks, unless somebody else is named. */
export const CLIENT_PERSON = z
  .string()
  .meta({ ref: 'person' })
  .optional()
  .describe('Whose client: person id or work email; left out: yours.');

interface Input {
  readonly person?: string | undefined;
}

/** What policy is asked about: the person who is named; the organisation where everybody asks for themselves. */
export const clientTargets = ({ person }: Input): Targets =>
  person === undefined ? TENANT_TARGET : [personTarget(person)];

/** The person whose clients are meant. Fault `not_found`. */
export async function clientPerson(
  ctx: TenantReader & { readonly actor: Actor },
  { person }: Input,
): Promise<Person> {
  const id = person ?? principalOf(ctx.actor);
  const found = id === null ? null : await findPerson(ctx, id);
  if (found === null) throw new Fault('not_found', 'There is no such person here.');
  return found;
}
