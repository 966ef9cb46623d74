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
    'Takes a SPIFFE trust domain out: its agents cannot authenticate any more, their tokens die, and what they wait for is withdrawn. Another IT admin must agree; until then, the kill switch stops an agent at once.',
  input: z.object({ trust_domain: TrustDomain }),
  output: z.object({
    trust_domain: z.string(),
    agents_ended: z.array(z.string()).describe('Agents whose tokens have died.'),
    two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
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
          ? `No agent is of ${name}.`
          : `${agents.map((agent) => agent.name).join(', ')} cannot authenticate any more, and what they hold or wait for ends.`,
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
