import { z } from 'zod';
import { sentence, strong } from '#engine/answer-words.ts';
import { approvalsWithCalls } from '#domain/approval/store.ts';
import { latestUses, namedPeople } from '#domain/break-glass/store.ts';
import { cutPage, cursorField } from '#domain/paging.ts';
import { namesOfPeople } from '#domain/person/names.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'break_glass_list',
  title: 'List break-glass',
  description:
    'Lists the people who can break glass, and recent uses with their reviews. While a use is unreviewed, nobody can break glass again.',
  input: z.object({
    limit: z.number().int().min(1).max(100).default(20).describe('Maximum number of uses to return.'),
    cursor: cursorField('bgu'),
  }),
  output: z.object({
    named: z.array(z.object({ person: z.string(), name: z.string() })),
    uses: z.array(
      z.object({
        use_id: z.string(),
        by: z.string(),
        what: z.string(),
        why: z.string(),
        at: z.string(),
        reviewed_by: z.string().nullable().describe('Null while the use waits for its review.'),
        review: z.string().nullable(),
      }),
    ),
    next_cursor: z.string().nullable().describe('For the uses before these; null on the last page.'),
  }),
  inWords: {
    lists: {
      uses: {
        heading: 'Uses of break-glass',
        state: ({ reviewed_by: by }) => (by === null ? 'Not reviewed' : 'Reviewed'),
        sentence: (use) => {
          const reviewed =
            use.reviewed_by === null ? '' : ` ${use.reviewed_by} reviewed it: “${use.review ?? ''}”.`;
          return sentence`${strong(use.by)} used it for ${use.what} on ${new Date(use.at)}: “${use.why}”.${reviewed}`;
        },
        empty: 'Nobody has used break-glass.',
        buttons: [
          {
            text: 'Review',
            tool: 'approval_review',
            input: ({ use_id: use }) => ({ use }),
            when: ({ reviewed_by: by }) => by === null,
            form: true,
          },
        ],
      },
      named: {
        heading: 'People who may use break-glass',
        sentence: ({ name }) => sentence`${strong(name)}`,
        empty:
          'Nobody may use break-glass. People who are named for it can act at once in an emergency. An IT admin names them with /breakglass name.',
        buttons: [
          { text: 'Remove', tool: 'break_glass_remove', input: ({ person }) => ({ person }), danger: true },
        ],
      },
    },
  },
  scope: 'break_glass.read',
  command: '/breakglass list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const named = await namedPeople(ctx);
    const rows = await latestUses(ctx, { before: input.cursor, limit: input.limit + 1 });
    const { page: uses, next } = cutPage(rows, input.limit);
    const ids = [...named, ...uses.flatMap((use) => [use.personId, use.reviewedBy ?? []].flat())];
    const names = await namesOfPeople(ctx, ids);
    const nameOf = (id: string): string => names.get(id) ?? id;
    const approvals = await approvalsWithCalls(
      ctx,
      uses.map((use) => use.approvalId),
    );
    const summaries = new Map(approvals.map(({ approval, call }) => [approval.id, call.summary]));
    return {
      named: named.map((id) => ({ person: id, name: nameOf(id) })),
      uses: uses.map((use) => ({
        use_id: use.id,
        by: nameOf(use.personId),
        what: summaries.get(use.approvalId) ?? use.approvalId,
        why: use.why,
        at: use.at.toISOString(),
        reviewed_by: use.reviewedBy === null ? null : nameOf(use.reviewedBy),
        review: use.review,
      })),
      next_cursor: next,
    };
  },
});
