import { takesReason } from '#engine/reason.ts';
import type { Catalogue, CatalogueEntry } from '#engine/catalogue.ts';
import { LEDGER_PATHS } from './openapi-ledger.ts';
import { PARAMETERS, RESPONSES, SCHEMAS, SECURITY } from './openapi-components.ts';
import {
  get,
  ID,
  json,
  NOT_FOUND,
  ONCE,
  page,
  PROBLEM,
  queryParameters,
  ref,
  REFUSALS,
  strip,
  type Json,
} from './openapi-parts.ts';
import { TENANT_PATHS } from './openapi-tenant.ts';
import { ApprovalsQuery, CallsQuery } from './query.ts';
import { GOVERNANCE_ROUTES, takesFile } from './policies.ts';

/**
 * The OpenAPI 3.1 description of the REST interface. The same catalogue gives the same document in every
 * installation.
 */
export function openApiDocument(catalogue: Catalogue): Json {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Prokura REST API',
      version: '1',
      description:
        'Every tool is one POST. Each call is decided by policy when you make it, and may wait for an approval. Errors are RFC 9457 problem details with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ api_key: [] }, { delegation_token: [] }, { access_token: [] }],
    tags: [...new Set(catalogue.all.map((entry) => entry.family))].map((name) => ({ name })),
    paths: {
      ...Object.fromEntries(
        catalogue.all.map((entry) => [`/v1/tools/${entry.tool.name}`, { post: toolOperation(entry) }]),
      ),
      ...RESOURCES,
      ...rulePaths(catalogue),
      ...TENANT_PATHS,
    },
    components: { schemas: SCHEMAS, responses: RESPONSES, parameters: PARAMETERS, securitySchemes: SECURITY },
  };
}

function toolOperation(entry: CatalogueEntry): Json {
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

/** The paths of an organisation's rules. Each is the operation of one tool. */
function rulePaths(catalogue: Catalogue): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [route, tool] of Object.entries(GOVERNANCE_ROUTES)) {
    const [method = '', path = ''] = route.toLowerCase().split(' ');
    const entry = catalogue.get(tool);
    if (entry === undefined) continue;
    const { requestBody, ...rest } = toolOperation(entry);
    const body =
      method === 'get' ? {} : { requestBody: takesFile(tool) ? withFile(requestBody) : requestBody };
    const query = method === 'get' ? queryParameters(entry.tool.input) : [];
    const parameters = [...(rest['parameters'] as Json[]), ...query];
    paths[path] = {
      ...paths[path],
      [method]: { ...rest, ...body, parameters, operationId: `${method}_${tool}` },
    };
  }
  return paths;
}

/** The body as JSON, or the policy text alone as a file has it. */
const withFile = (body: unknown): Json => {
  const { content } = body as { content: Json };
  const text = {
    schema: { type: 'string', description: 'The whole Cedar text; the rest of the input is the query.' },
  };
  return { ...(body as Json), content: { ...content, 'text/plain': text } };
};

const RESOURCES = {
  '/v1/verify': {
    post: {
      operationId: 'verify',
      summary:
        'Checks whether an agent can do something for a person now, for systems that gate their own actions (API key with `verify`)',
      requestBody: { required: true, content: json({ oneOf: [ref('VerifyCheck'), ref('VerifyBatch')] }) },
      responses: {
        200: {
          description: 'The decision; for a batch, all decisions in order.',
          content: json({
            oneOf: [
              ref('VerifyAnswer'),
              { type: 'object', properties: { results: { type: 'array', items: ref('VerifyAnswer') } } },
            ],
          }),
        },
        ...REFUSALS,
        404: ref('Problem', 'responses'),
        409: ref('Problem', 'responses'),
      },
    },
  },
  '/v1/tools': get(
    'listTools',
    'Lists the tools that you may be allowed to use',
    [],
    json({
      type: 'object',
      properties: {
        tools: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              name: { type: 'string' },
              title: { type: 'string' },
              description: { type: 'string' },
              family: { type: 'string' },
              effects: { enum: ['read', 'look', 'write', 'act'] },
              scope: { type: 'string' },
              takes_reason: { type: 'boolean' },
              input_schema: { type: 'object' },
              output_schema: { type: 'object' },
            },
          },
        },
      },
    }),
  ),
  '/v1/tools/{name}/preview': {
    post: {
      operationId: 'previewTool',
      summary: 'What a use of this tool would come to, and what it would change. Nothing is done',
      description:
        'The administrator roles of people at Okta are read only when the tool is used, and count as none here: for somebody who holds one there, the use itself can need more approvals than this says, or be refused.',
      parameters: [
        { name: 'name', in: 'path', required: true, schema: { type: 'string' } },
        ref('Tenant', 'parameters'),
      ],
      requestBody: {
        required: false,
        content: json({ type: 'object', description: 'The input of the tool.' }),
      },
      responses: {
        200: { description: 'What would come of it.', content: json(ref('Preview')) },
        ...REFUSALS,
        ...NOT_FOUND,
      },
    },
  },
  '/v1/calls': get(
    'listCalls',
    'Lists calls that concern you, newest first',
    queryParameters(CallsQuery),
    page('calls', 'Call'),
  ),
  '/v1/calls/{id}': get(
    'showCall',
    'Returns one call with its outcome',
    [ID, ref('Wait', 'parameters')],
    json(ref('CallDetail')),
    NOT_FOUND,
  ),
  '/v1/approvals': get(
    'listApprovals',
    'Lists approvals that you requested or can decide, newest first',
    queryParameters(ApprovalsQuery),
    page('approvals', 'Approval'),
  ),
  '/v1/approvals/{id}': get('showApproval', 'Returns one approval', [ID], json(ref('Approval')), NOT_FOUND),
  '/v1/agents/{id}/secret': {
    post: {
      operationId: 'generateAgentSecret',
      summary:
        'Replaces all credentials of an agent with a generated secret and returns it once (scope `agent.manage`; the owner, IT admins or an API key)',
      parameters: [ID, ONCE, ref('Tenant', 'parameters')],
      responses: {
        201: {
          description:
            'The secret. Prokura does not store it, except sealed for 48 hours if you sent an Idempotency-Key.',
          content: json({
            type: 'object',
            properties: { agent_id: { type: 'string' }, client_secret: { type: 'string' } },
            required: ['agent_id', 'client_secret'],
          }),
        },
        ...REFUSALS,
        ...NOT_FOUND,
        409: ref('Problem', 'responses'),
      },
    },
  },
  ...LEDGER_PATHS,
};
