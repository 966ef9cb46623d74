import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { agentsOfTrustDomain } from '#domain/agent/spiffe-id.ts';
import { policyFacts } from '#domain/policy/store.ts';
import {
  BundleKey,
  bundleKeys,
  changeBundle,
  goneKeys,
  IgnoredKey,
  keysInWords,
  readBundle,
  shown,
  SpiffeBundle,
  TrustDomain,
} from '#domain/tenant/spiffe-bundles.ts';
import { holdTenant } from '#domain/tenant/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'spiffe_bundle_set',
  title: 'Set a SPIFFE trust bundle',
  description:
    'Sets the keys that verify workloads of a SPIFFE trust domain, replacing the previous ones. Tokens of its agents stop working if a key is removed. Another IT admin must approve.',
  input: z.object({
    trust_domain: TrustDomain,
    bundle: SpiffeBundle.meta({ ref: 'document', label: 'Trust bundle' }).describe(
      'Its bundle: a JWK Set, of which the keys with use jwt-svid count (EC P-256 or RSA). Never paste a private key.',
    ),
  }),
  output: z.object({
    trust_domain: z.string(),
    keys: z.array(BundleKey).describe('Keys that verify JWT-SVIDs from now on.'),
    ignored: z.array(IgnoredKey).describe('Keys that were ignored.'),
    agents_ended: z.array(z.string()).describe('Agents whose tokens stopped working.'),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
  }),
  scope: 'provider.manage',
  command: '/spiffe bundle set <trust_domain>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  pin: (ctx) => holdTenant(ctx, 'no key update'),
  preview: async (ctx, { trust_domain: name, bundle }) => {
    const { keys, ignored } = readBundle(bundle, 'bundle.');
    const before = await bundleKeys(ctx, name);
    const agents = await agentsOfTrustDomain(ctx, name);
    const passed =
      ignored.length === 0 ? '' : ` ${ignored.map(({ key, why }) => `${key} ${why}`).join('; ')}: ignored.`;
    const dying = goneKeys(before ?? [], keys).length === 0 ? '' : ' Their current tokens stop working.';
    return {
      changes: [
        {
          what: `trust bundle of ${name}`,
          ...(before === null ? {} : { from: keysInWords(before) }),
          to: keysInWords(keys),
        },
      ],
      effect: `Anyone who holds one of these keys can act as every agent of ${name} (now ${agents.map((agent) => agent.name).join(', ') || 'none'}).${dying}${passed}`,
      reversible: true,
    };
  },
  run: async (ctx, { trust_domain: name, bundle }) => {
    const read = readBundle(bundle, 'bundle.');
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    const { singleAdmin } = await policyFacts(ctx);
    return {
      trust_domain: name,
      keys: read.keys.map(shown),
      ignored: [...read.ignored],
      agents_ended: await changeBundle(ctx, name, read, by),
      two_humans: !(singleAdmin && ctx.actor.kind === 'person'),
    };
  },
});
