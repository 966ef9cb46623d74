import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { removeNamed, isNamed } from '#domain/break-glass/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

async function changed(reader: TenantReader, id: string): Promise<Person> {
  const person = await findPerson(reader, id);
  if (person === null) throw new Fault('not_found', 'There is no such person here.');
  if (!(await isNamed(reader, id))) throw new Fault('conflict', `${person.displayName} is not named.`);
  return person;
}

export default defineTool({
  name: 'break_glass_remove',
  title: 'Take somebody off break-glass',
  description:
    'Takes a person off the list of those who may carry out acts at Okta without waiting for approvals in an emergency. Another IT admin must agree.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Who: work email or person id.'),
  }),
  output: z.object({ person: z.string(), named: z.boolean() }),
  scope: 'break_glass.manage',
  command: '/breakglass remove <person>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, input) => {
    const person = await changed(ctx, input.person);
    return {
      changes: [{ what: `break-glass for ${person.displayName}`, from: 'yes', to: 'no' }],
      effect: `${person.displayName} waits for approvals like everybody else.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const person = await changed(ctx, input.person);
    await removeNamed(ctx, person.id);
    ctx.record({
      event: 'BREAK_GLASS_REMOVED',
      actor: actorName(ctx.actor),
      data: { person: person.id, call_id: ctx.callId },
    });
    return { person: person.id, named: false };
  },
});
