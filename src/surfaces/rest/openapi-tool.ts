import type { CatalogueEntry } from '#engine/catalogue.ts';
import { takesReason } from '#engine/reason.ts';
import { json, ONCE, PROBLEM, ref, strip, type Json } from './openapi-parts.ts';

/** The operation of one tool in the OpenAPI document. */
export function toolOperation(entry: CatalogueEntry): Json {
  const { tool } = entry;
  const input = strip(entry.inputSchema);
  const reason = {
    type: 'string',
    maxLength: 500,
    description: 'Why you make this call, in your own words. Approvers can read this.',
  };
  const schema = takesReason(entry)
    ? { ...input, properties: { ...(input['properties'] as Json), reason } }
    : input;
  const done = {
    allOf: [ref('Envelope'), { type: 'object', properties: { result: strip(entry.outputSchema) } }],
  };
  return {
    operationId: tool.name,
    tags: [entry.family],
    summary: tool.title,
    description: [tool.description, notes(tool)].filter((part) => part !== '').join('\n\n'),
    parameters: [
      ref('Wait', 'parameters'),
      ...(tool.effects === 'write' || tool.effects === 'act' ? [ONCE] : []),
      ref('Tenant', 'parameters'),
    ],
    requestBody: { required: Array.isArray(input['required']), content: json(schema) },
    responses: {
      200: { description: 'Done.', content: json(done) },
      202: ref('NotDoneYet', 'responses'),
      400: ref('Problem', 'responses'),
      401: ref('Unauthenticated', 'responses'),
      403: {
        ...PROBLEM,
        description:
          'Denied by a policy, mandate or approver. `code` says which, and `outcome.missing` what would allow it.',
      },
      404: ref('Problem', 'responses'),
      409: {
        ...PROBLEM,
        description: 'Conflicts with the current state, or the request expired or was withdrawn.',
      },
      413: ref('Problem', 'responses'),
      415: ref('Problem', 'responses'),
      429: ref('Later', 'responses'),
      502: {
        ...PROBLEM,
        description:
          'The provider refused, failed or did not respond. With the `code` `unknown`, it is not known whether the call took effect.',
      },
      503: ref('Later', 'responses'),
    },
  };
}

function notes(tool: CatalogueEntry['tool']): string {
  const parts = [`Scope: \`${tool.scope}\`.`];
  if ('danger' in tool) parts.push(`Danger: ${tool.danger}.`);
  if (tool.tokenScope !== undefined)
    parts.push(`A person's access token needs the scope \`${tool.tokenScope}\`.`);
  if (tool.only === 'people') parts.push('For people only.');
  return parts.join(' ');
}
