import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { addNamed, isNamed } from '#domain/break-glass/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

async function changed(reader: TenantReader, id: string): Promise<Person> {
  const person = await findPerson(reader, id);
  if (person === null) throw new Fault('not_found', 'There is no such person here.');
  if (await isNamed(reader, id)) throw new Fault('conflict', `${person.displayName} is named already.`);
  return person;
}

export default defineTool({
  name: 'break_glass_name',
  title: 'Name somebody for break-glass',
  description:
    'Lets a person, in an emergency, carry out acts at Okta without waiting for their approvals: with a fresh sign-in, an alarm to everybody concerned and a review afterwards. Another IT admin must agree.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Who: work email or person id.'),
  }),
  output: z.object({ person: z.string(), named: z.boolean() }),
  scope: 'break_glass.manage',
  command: '/breakglass name <person>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const person = await changed(ctx, input.person);
    return {
      changes: [{ what: `break-glass for ${person.displayName}`, from: 'no', to: 'yes' }],
      effect: `${person.displayName} can waive approvals in an emergency, one act at a time.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const person = await changed(ctx, input.person);
    await addNamed(ctx, person.id);
    ctx.record({
      event: 'BREAK_GLASS_NAMED',
      actor: actorName(ctx.actor),
      data: { person: person.id, call_id: ctx.callId },
    });
    return { person: person.id, named: true };
  },
});
