import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { addNamed, isNamed } from '#domain/break-glass/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

async function findPersonToChange(reader: TenantReader, id: string): Promise<Person> {
  const person = await findPerson(reader, id);
  if (person === null) throw new Fault('not_found', 'Person not found.');
  if (await isNamed(reader, id))
    throw new Fault('conflict', `${person.displayName} is already on the break-glass list.`);
  return person;
}

export default defineTool({
  name: 'break_glass_name',
  title: 'Add a person to break-glass',
  description:
    'Adds a person to the break-glass list: in an emergency they can run their own Okta requests without approvals, after a fresh sign-in, with an alarm and a later review. Another IT admin must approve.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Person to add: work email or person ID.'),
  }),
  output: z.object({ person: z.string(), named: z.boolean() }),
  scope: 'break_glass.manage',
  command: '/breakglass name <person>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const person = await findPersonToChange(ctx, input.person);
    return {
      changes: [{ what: `break-glass for ${person.displayName}`, from: 'no', to: 'yes' }],
      effect: `${person.displayName} can skip approvals in an emergency, one request at a time.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const person = await findPersonToChange(ctx, input.person);
    await addNamed(ctx, person.id);
    ctx.record({
      event: 'BREAK_GLASS_NAMED',
      actor: actorName(ctx.actor),
      data: { person: person.id, call_id: ctx.callId },
    });
    return { person: person.id, named: true };
  },
});
