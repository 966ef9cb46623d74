import { z } from 'zod';
import { code, counted, listed, sentence, strong } from '#engine/answer-words.ts';
import { findAgent } from '#domain/agent/store.ts';
import type { ApproverKind } from '#domain/approval/approval.ts';
import { findPeople } from '#domain/person/store.ts';
import { approverWords } from '#engine/approve/approver-words.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

const Approval = z.object({
  policy: z.string(),
  approver: z.string(),
  quorum: z.number(),
  step_up: z.boolean(),
  reason: z.string(),
});

/** What must be approved first, and why it would be refused all the same. */
const approvalWords = (one: {
  readonly approvals: readonly z.infer<typeof Approval>[];
  readonly blocked: string | null;
}): string => {
  const asked = one.approvals.map(
    ({ approver, quorum, step_up: stepUp }) =>
      `${counted(quorum, 'approval')} by ${approverWords(approver as ApproverKind, quorum)}${stepUp ? ', with step-up' : ''}`,
  );
  return `${asked.length === 0 ? '' : ` First: ${listed(asked)}.`}${one.blocked === null ? '' : ` ${one.blocked}`}`;
};

export default defineTool({
  name: 'who_can',
  title: 'Show who can use a tool',
  description:
    'Lists the people and agents who could call a tool with a given input, with the policies that allow it and the approvals it needs. Pass a past time to see it as it was then. It changes nothing and asks nobody.',
  input: z.object({
    tool: z.string().max(60).meta({ ref: 'tool' }).describe('The tool, by name: okta_reset_mfa.'),
    input: z
      .record(z.string(), z.unknown())
      .meta({ ref: 'input of tool', first: true })
      .default({})
      .describe('The input that they would pass to the tool.'),
    at: z.iso.datetime({ offset: true }).optional().describe('A time in the past. Default: now.'),
    limit: z.number().int().min(1).max(200).default(100).describe('Maximum number of people to check.'),
    cursor: z.string().max(80).optional().describe('next_cursor from the previous page.'),
  }),
  output: z.object({
    people: z.array(
      z.object({
        person_id: z.string(),
        name: z.string(),
        roles: z.array(z.string()),
        policies: z.array(z.string()),
        approvals: z.array(Approval),
        blocked: z.string().nullable().describe('Why nobody could approve it now.'),
      }),
    ),
    agents: z.array(
      z.object({
        agent_id: z.string(),
        agent: z.string(),
        mandate_id: z.string(),
        principal: z.object({ id: z.string(), name: z.string() }),
        policies: z.array(z.string()),
        approvals: z.array(Approval),
        blocked: z.string().nullable(),
      }),
    ),
    asked: z
      .object({ people: z.number(), mandates: z.number() })
      .describe(
        'Number of people and mandates that were checked: only those whom the policies of the tool could mean.',
      ),
    next_cursor: z.string().nullable().describe('Not null: there may be more people and agents.'),
    reconstructed: z
      .object({
        at: z.iso.datetime(),
        from_seq: z.number().describe('Sequence number of the last ledger entry used.'),
        from_ledger: z.array(z.string()),
        as_today: z.array(z.string()),
      })
      .nullable(),
  }),
  inWords: {
    fields: ({ asked, reconstructed, next_cursor: next }) => [
      ['Asked about', `${asked.people} people and ${counted(asked.mandates, 'mandate')}`],
      [
        'Not checked',
        next === null
          ? null
          : sentence`There are more people and agents than one answer checks. To check the next ones, add cursor=${code(next)} to the command.`,
      ],
      ['As it was', reconstructed === null ? null : [new Date(reconstructed.at)]],
    ],
    lists: {
      people: {
        heading: 'People who could',
        whole: true,
        // That nobody could is known only where everybody was checked in this answer.
        told: ({ people, next_cursor: next }, { asked }) =>
          people.length > 0 || (next === null && asked['cursor'] === undefined),
        state: ({ blocked }) => (blocked === null ? null : 'Blocked'),
        sentence: (one) =>
          sentence`${strong(one.name)}${one.roles.length === 0 ? '' : ` (${listed(one.roles)})`}, by ${listed(one.policies)}.${approvalWords(one)}`,
        empty: 'No person could do this.',
      },
      agents: {
        heading: 'Agents that could',
        state: ({ blocked }) => (blocked === null ? null : 'Blocked'),
        sentence: (one) =>
          sentence`${strong(one.agent)} for ${one.principal.name}, by ${listed(one.policies)}.${approvalWords(one)}`,
        buttons: [
          {
            text: 'Show the mandate',
            tool: 'mandate_show',
            input: ({ mandate_id: id }) => ({ mandate_id: id }),
          },
        ],
      },
    },
  },
  scope: 'policy.read',
  command: '/policy who-can <tool>',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const found = await ctx.policy.whoCan({
      tool: input.tool,
      input: input.input,
      at: input.at === undefined ? null : new Date(input.at),
      cursor: input.cursor ?? null,
      limit: input.limit,
    });
    const principals = await findPeople(
      ctx,
      found.agents.map((one) => one.principalId),
    );
    const nameOf = new Map(principals.map((person) => [person.id, person.displayName]));
    const agentOf = new Map<string, string>();
    for (const id of new Set(found.agents.map((one) => one.agentId)))
      agentOf.set(id, (await findAgent(ctx, id))?.name ?? id);
    const approvals = (list: (typeof found.people)[number]['approvals']) =>
      list.map(({ policy, approver, quorum, stepUp, reason }) => ({
        policy,
        approver,
        quorum,
        step_up: stepUp,
        reason,
      }));
    return {
      people: found.people.map((one) => ({
        person_id: one.id,
        name: one.name,
        roles: [...one.roles],
        policies: [...one.policies],
        approvals: approvals(one.approvals),
        blocked: one.blocked,
      })),
      agents: found.agents.map((one) => ({
        agent_id: one.agentId,
        agent: agentOf.get(one.agentId) ?? one.agentId,
        mandate_id: one.mandateId,
        principal: { id: one.principalId, name: nameOf.get(one.principalId) ?? one.principalId },
        policies: [...one.policies],
        approvals: approvals(one.approvals),
        blocked: one.blocked,
      })),
      asked: { people: found.askedPeople, mandates: found.askedMandates },
      next_cursor: found.nextCursor,
      reconstructed:
        found.reconstructed === null
          ? null
          : {
              at: found.reconstructed.at,
              from_seq: found.reconstructed.fromSeq,
              from_ledger: [...found.reconstructed.ledger],
              as_today: [...found.reconstructed.today],
            },
    };
  },
});
