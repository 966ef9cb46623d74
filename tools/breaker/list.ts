import { z } from 'zod';
import { counted, sentence, strong } from '#engine/answer-words.ts';
import { isBack } from '#domain/breaker/settle.ts';
import { countHolds, openHolds } from '#domain/breaker/store.ts';
import { countOpenTrees } from '#domain/mandate/trees.ts';
import { cursorField, cutPage, totalField } from '#domain/paging.ts';
import { namesOfPeople } from '#domain/person/names.ts';
import { findPeople } from '#domain/person/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'breaker_list',
  title: 'List held revocations',
  description:
    'Lists people whose mandates the mass-change breaker froze because a source deactivated unusually many people at once. Use breaker_apply to revoke those mandates, or breaker_dismiss to restore them once the people are active again.',
  input: z.object({
    limit: z.number().int().min(1).max(100).default(50).describe('Maximum number of entries to return.'),
    cursor: cursorField('hold'),
  }),
  output: z.object({
    held: z.array(
      z.object({
        hold_id: z.string(),
        person: z.string().describe('Person ID, for breaker_apply and breaker_dismiss.'),
        name: z.string(),
        source: z.string().describe('Source that reported the deactivation.'),
        reason: z.string(),
        mandates: z.number().describe('Number of frozen mandates that wait for the decision.'),
        active_again: z.boolean(),
        since: z.string(),
      }),
    ),
    next_cursor: z.string().nullable(),
    total: totalField,
  }),
  inWords: {
    lists: {
      held: {
        heading: 'Revocations on hold',
        state: ({ active_again: back }) => (back ? 'Active again' : 'On hold'),
        sentence: (one) =>
          sentence`${strong(one.name)}: ${one.reason} (${one.source}, ${new Date(one.since)}). ${counted(one.mandates, 'mandate')} ${one.mandates === 1 ? 'is' : 'are'} frozen until an IT admin decides.`,
        empty:
          'Nothing is on hold. When a source deactivates unusually many people at once, their revocations wait here for an IT admin.',
        buttons: [
          {
            text: 'Give back',
            tool: 'breaker_dismiss',
            input: ({ person }) => ({ people: [person] }),
            when: ({ active_again: back }) => back,
          },
          {
            text: 'Revoke for good',
            tool: 'breaker_apply',
            input: ({ person }) => ({ people: [person] }),
            danger: true,
          },
        ],
      },
    },
  },
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
    const { page, next } = cutPage(rows, input.limit);
    const people = new Map(
      (
        await findPeople(
          ctx,
          page.map((row) => row.personId),
        )
      ).map((person) => [person.id, person]),
    );
    const names = await namesOfPeople(ctx, [...people.keys()]);
    const mandates = await countOpenTrees(ctx, [...people.keys()]);
    const held = page.map((row) => {
      const person = people.get(row.personId);
      return {
        hold_id: row.id,
        person: row.personId,
        name: names.get(row.personId) ?? row.personId,
        source: row.source,
        reason: row.reason,
        mandates: mandates.get(row.personId) ?? 0,
        active_again: person !== undefined && isBack(person),
        since: row.at.toISOString(),
      };
    });
    return {
      held,
      next_cursor: next,
      total: await countHolds(ctx),
    };
  },
});
