import { z } from 'zod';
import { principalOf, type Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { Fault } from '#lib/fault.ts';
import { personTarget, TENANT_TARGET, type Targets } from './tool.ts';

/** The input field that names the person whose clients are meant; left out, the person who asks. */
export const CLIENT_PERSON = z
  .string()
  .meta({ ref: 'person' })
  .optional()
  .describe('Person whose clients to use: person ID or work email. Default: you.');

interface Input {
  readonly person?: string | undefined;
}

/** The targets for policy: the named person, or the tenant where people ask about themselves. */
export const clientTargets = ({ person }: Input): Targets =>
  person === undefined ? TENANT_TARGET : [personTarget(person)];

/** The person whose clients are meant. Throws Fault `not_found` if there is no such person. */
export async function clientPerson(
  ctx: TenantReader & { readonly actor: Actor },
  { person }: Input,
): Promise<Person> {
  const id = person ?? principalOf(ctx.actor);
  const found = id === null ? null : await findPerson(ctx, id);
  if (found === null) throw new Fault('not_found', 'Person not found.');
  return found;
}
