import { z } from 'zod';
import { bundlesOf, BundleView } from '#domain/tenant/spiffe-bundles.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'spiffe_bundle_list',
  title: 'List SPIFFE trust bundles',
  description:
    'Lists the SPIFFE trust domains whose workloads can authenticate as agents, with the keys of each bundle.',
  input: z.object({}),
  output: z.object({ bundles: z.array(BundleView) }),
  scope: 'policy.read',
  command: '/spiffe bundle list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => ({ bundles: await bundlesOf(ctx) }),
});
