import { z } from 'zod';
import { sentence, strong } from '#engine/answer-words.ts';
import { listTemplates } from '#domain/mandate/templates.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_template_list',
  title: 'List mandate templates',
  description: 'Lists the mandate templates that you can use with mandate_create, with their terms.',
  input: z.object({}),
  output: z.object({
    templates: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        own: z.boolean().describe('True if your organisation saved it; false if it comes with the product.'),
        terms: z.record(z.string(), z.unknown()).describe('Terms, as fields of mandate_create.'),
      }),
    ),
  }),
  inWords: {
    lists: {
      templates: {
        heading: 'Mandate templates',
        state: ({ own }) => (own ? 'Yours' : 'Built in'),
        sentence: ({ name, description }) => sentence`${strong(name)}: ${description}`,
        empty: 'No mandate templates. An IT admin saves one with /mandate template save.',
        buttons: [
          {
            text: 'Use this template',
            tool: 'mandate_create',
            input: ({ name }) => ({ template: name }),
            form: true,
          },
        ],
      },
    },
  },
  scope: IMPLIED_SCOPE,
  tokenScope: 'delegation:read',
  command: '/mandate templates',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => ({
    templates: (await listTemplates(ctx)).map((one) => ({ ...one, terms: { ...one.terms } })),
  }),
});
