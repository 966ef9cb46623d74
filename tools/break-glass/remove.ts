import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { removeNamed, isNamed } from '#domain/break-glass/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

async function findPersonToChange(reader: TenantReader, id: string): Promise<Person> {
  const person = await findPerson(reader, id);
  if (person === null) throw new Fault('not_found', 'Person not found.');
  if (!(await isNamed(reader, id)))
    throw new Fault('conflict', `${person.displayName} is not on the break-glass list.`);
  return person;
}

export default defineTool({
  name: 'break_glass_remove',
  title: 'Remove a person from break-glass',
  description:
    'Removes a person from the break-glass list. They can no longer run Okta requests without approvals. Another IT admin must approve.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Person to remove: work email or person ID.'),
  }),
  output: z.object({ person: z.string(), named: z.boolean() }),
  scope: 'break_glass.manage',
  command: '/breakglass remove <person>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, input) => {
    const person = await findPersonToChange(ctx, input.person);
    return {
      changes: [{ what: `break-glass for ${person.displayName}`, from: 'yes', to: 'no' }],
      effect: `${person.displayName} can no longer skip approvals.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const person = await findPersonToChange(ctx, input.person);
    await removeNamed(ctx, person.id);
    ctx.record({
      event: 'BREAK_GLASS_REMOVED',
      actor: actorName(ctx.actor),
      data: { person: person.id, call_id: ctx.callId },
    });
    return { person: person.id, named: false };
  },
});
