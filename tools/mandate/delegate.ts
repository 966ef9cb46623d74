import { z } from 'zod';
import type { AgentActor, Actor } from '#domain/actor.ts';
import { findAgent } from '#domain/agent/store.ts';
import { checkHandOn, handOn } from '#domain/mandate/delegate.ts';
import * as field from '#domain/mandate/fields.ts';
import { isHighValue } from '#domain/mandate/scopes.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { agentTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_delegate',
  title: 'Hand a mandate on',
  description:
    'For agents: hands a part of the mandate that you act under on to another agent, where the mandate allows it. Whatever you leave out is as in yours; nothing can be more. It ends with yours. Where somebody else than your principal owns the other agent, your principal’s manager must agree.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('The other agent: its name or id.'),
    scopes: field.scopesField.optional().describe('Which of your scopes. Left out: those that you hold.'),
    resources: field.resourcesField
      .optional()
      .describe(
        'Which of your resources, or an email address or person:<id> whom they cover now. Left out: all.',
      ),
    tools: field.toolsField.optional().describe('Only through these tools, by name. Left out: as in yours.'),
    amount: field.amountField.optional().describe('At most your amount. Left out: as in yours.'),
    currency: field.currencyField.optional().describe('The currency of yours.'),
    window: field.windowField.optional().describe('Within your hours. Left out: as in yours.'),
    max_uses: field.usesField.optional().describe('At most what you have left, which it spends too.'),
    days: field.daysField.optional().describe('For how many days. Left out: as long as yours.'),
    may_delegate: field.depthField
      .optional()
      .describe('How many levels deeper it may be handed on. Left out: one less than yours.'),
    purpose: field.purposeField.describe('What for. The principal and auditors read it.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    parent_id: z.string(),
    agent: z.string(),
    scopes: z.array(z.string()),
    resources: z.array(z.string()),
    expires_at: z.iso.datetime(),
    summary: z.string().describe('What it allows and forbids, in words.'),
  }),
  scope: IMPLIED_SCOPE,
  offeredUnder: (mandate) => mandate !== null && mandate.depth > 0,
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  context: async (ctx, input) => {
    const { actor } = ctx;
    const agent = await findAgent(ctx, input.agent);
    const parent = actor.kind === 'agent' ? await findMandate(ctx, actor.mandateId) : null;
    // It leaves the principal's own agents: what giving it would ask is asked.
    if (agent === null || parent === null || agent.ownerId === parent.principalId) return {};
    const amount = input.amount ?? (parent.amount === null ? null : Number(parent.amount));
    const scopes = input.scopes ?? parent.scopes;
    return {
      high_value: await isHighValue(ctx, { scopes, amount, currency: input.currency ?? parent.currency }),
    };
  },
  preview: async (ctx, input) => {
    const { summary } = await checkHandOn(ctx, asAgent(ctx.actor), input);
    return { changes: [{ what: 'mandate', to: summary }], effect: summary, reversible: true };
  },
  run: async (ctx, input) => handOn(ctx, asAgent(ctx.actor), input, ctx.callId),
});

function asAgent(actor: Actor): AgentActor {
  if (actor.kind === 'agent') return actor;
  throw new Fault(
    'forbidden',
    'Only an agent hands its mandate on. Give a mandate of your own with mandate_create.',
  );
}
