import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { agentsOfTrustDomain } from '#domain/agent/spiffe-id.ts';
import { policyFacts } from '#domain/policy/store.ts';
import {
  bundleKeys,
  changeBundle,
  keysInWords,
  noBundle,
  TrustDomain,
} from '#domain/tenant/spiffe-bundles.ts';
import { holdTenant } from '#domain/tenant/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'spiffe_bundle_remove',
  title: 'Remove a SPIFFE trust bundle',
  description:
    'Removes a SPIFFE trust domain. Its agents can no longer authenticate, their tokens stop working and their pending requests are withdrawn. Another IT admin must approve; to stop an agent immediately, use the kill switch.',
  input: z.object({ trust_domain: TrustDomain }),
  output: z.object({
    trust_domain: z.string(),
    agents_ended: z.array(z.string()).describe('Agents whose tokens stopped working.'),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
  }),
  scope: 'provider.manage',
  command: '/spiffe bundle remove <trust_domain>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  pin: (ctx) => holdTenant(ctx, 'no key update'),
  preview: async (ctx, { trust_domain: name }) => {
    const before = await bundleKeys(ctx, name);
    if (before === null) throw noBundle(name);
    const agents = await agentsOfTrustDomain(ctx, name);
    return {
      changes: [{ what: `trust bundle of ${name}`, from: keysInWords(before), to: 'removed' }],
      effect:
        agents.length === 0
          ? `No agents use ${name}.`
          : `${agents.map((agent) => agent.name).join(', ')} can no longer authenticate. Their tokens and pending requests end.`,
      reversible: true,
    };
  },
  run: async (ctx, { trust_domain: name }) => {
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    const { singleAdmin } = await policyFacts(ctx);
    return {
      trust_domain: name,
      agents_ended: await changeBundle(ctx, name, null, by),
      two_humans: !(singleAdmin && ctx.actor.kind === 'person'),
    };
  },
});
