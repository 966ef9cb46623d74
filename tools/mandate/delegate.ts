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
  title: 'Delegate part of a mandate',
  lead: 'Delegate part of a mandate to',
  description:
    'For agents: delegates part of your mandate to another agent, if your mandate allows it. Fields that you omit are copied from your mandate, and nothing can exceed it. If another person owns that agent, your principal’s manager must approve.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('Name or ID of the other agent.'),
    scopes: field.scopesField
      .optional()
      .describe('Scopes to delegate, out of yours. Default: all that you hold.'),
    resources: field.resourcesField
      .optional()
      .describe(
        'Resources to delegate, out of yours; or an email address or person:<id> that they cover now. Default: all.',
      ),
    tools: field.toolsField
      .optional()
      .describe('Limit it to these tools, by name. Default: as in your mandate.'),
    amount: field.amountField
      .optional()
      .describe('Maximum amount, no higher than yours. Default: as in your mandate.'),
    currency: field.currencyField.optional().describe('Currency; must be the same as in your mandate.'),
    window: field.windowField.optional().describe('Time window, inside yours. Default: as in your mandate.'),
    max_uses: field.usesField
      .optional()
      .describe(
        'Maximum number of uses, no more than you have left. Each use also counts against your mandate.',
      ),
    days: field.daysField.optional().describe('How many days it lasts. Default: as long as your mandate.'),
    may_delegate: field.depthField
      .optional()
      .describe('How many more levels it can be delegated. Default: one less than yours.'),
    purpose: field.purposeField.describe('What it is for. The principal and auditors can read this.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    parent_id: z.string(),
    agent: z.string(),
    scopes: z.array(z.string()),
    resources: z.array(z.string()),
    expires_at: z.iso.datetime(),
    summary: z.string().describe('What the mandate allows and forbids, in plain words.'),
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
    'Only agents can delegate their mandate. Use mandate_create to give a mandate yourself.',
  );
}
