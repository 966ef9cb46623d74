import { z } from 'zod';
import { isBack } from '#domain/breaker/settle.ts';
import { openHolds } from '#domain/breaker/store.ts';
import { openTrees } from '#domain/mandate/trees.ts';
import { findPeople } from '#domain/person/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'breaker_list',
  title: 'Held revocations',
  description:
    'Lists the people whose revocation the mass-change breaker holds back: a source deactivated more people than the threshold allows. What they delegated is frozen already; breaker_apply revokes it for good, breaker_dismiss gives it back to those who are active again.',
  input: z.object({
    limit: z.number().int().min(1).max(100).default(50).describe('At most this many.'),
    cursor: z.string().max(40).optional().describe('next_cursor of the page before.'),
  }),
  output: z.object({
    held: z.array(
      z.object({
        hold_id: z.string(),
        person: z.string().describe('The id that breaker_apply and breaker_dismiss take.'),
        name: z.string(),
        source: z.string().describe('Whose word it was.'),
        reason: z.string(),
        mandates: z.number().describe('Mandates that wait, frozen, for the decision.'),
        active_again: z.boolean(),
        since: z.string(),
      }),
    ),
    next_cursor: z.string().nullable(),
  }),
  scope: 'breaker.decide',
  only: 'people',
  command: '/breaker list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const rows = await openHolds(ctx, {
      limit: input.limit + 1,
      ...(input.cursor === undefined ? {} : { after: input.cursor }),
    });
    const page = rows.slice(0, input.limit);
    const people = new Map(
      (
        await findPeople(
          ctx,
          page.map((row) => row.personId),
        )
      ).map((person) => [person.id, person]),
    );
    const held = [];
    for (const row of page) {
      const person = people.get(row.personId);
      held.push({
        hold_id: row.id,
        person: row.personId,
        name: person?.displayName ?? row.personId,
        source: row.source,
        reason: row.reason,
        mandates: (await openTrees(ctx, { principalId: row.personId })).length,
        active_again: person !== undefined && isBack(person),
        since: row.at.toISOString(),
      });
    }
    return { held, next_cursor: rows.length > page.length ? (page.at(-1)?.id ?? null) : null };
  },
});
