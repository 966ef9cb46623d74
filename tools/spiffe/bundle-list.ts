import { z } from 'zod';
import { code, counted, listed, sentence } from '#engine/answer-words.ts';
import { bundlesOf, BundleView } from '#domain/tenant/spiffe-bundles.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'spiffe_bundle_list',
  title: 'List SPIFFE trust bundles',
  description:
    'Lists the SPIFFE trust domains whose workloads can authenticate as agents, with the keys of each bundle.',
  input: z.object({}),
  output: z.object({ bundles: z.array(BundleView) }),
  inWords: {
    lists: {
      bundles: {
        heading: 'SPIFFE trust domains',
        sentence: (one, { names }) =>
          sentence`${code(one.trust_domain)} is trusted with ${counted(one.keys.length, 'key')}. ${one.agents.length === 0 ? 'No agent uses it.' : `Used by ${listed(one.agents.map((id) => names.get(id) ?? id))}.`}`,
        empty:
          'No SPIFFE trust domains. With one, workloads authenticate as agents by the identity that their platform gives them. An IT admin adds one with /spiffe bundle set.',
        buttons: [
          {
            text: 'Replace the keys',
            tool: 'spiffe_bundle_set',
            input: ({ trust_domain: name }) => ({ trust_domain: name }),
            form: true,
          },
          {
            text: 'Remove',
            tool: 'spiffe_bundle_remove',
            input: ({ trust_domain: name }) => ({ trust_domain: name }),
            danger: true,
          },
        ],
      },
    },
  },
  scope: 'policy.read',
  command: '/spiffe bundle list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => ({ bundles: await bundlesOf(ctx) }),
});
