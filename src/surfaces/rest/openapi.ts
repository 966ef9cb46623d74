import { z } from 'zod';
import { Envelope } from '#engine/approve/envelope.ts';
import { takesReason } from '#engine/reason.ts';
import type { Catalogue, CatalogueEntry } from '#engine/catalogue.ts';
import { CheckpointView, LedgerLine } from './ledger.ts';
import { ledgerPaths } from './ledger-openapi.ts';
import { TENANT_PATHS } from './openapi-tenant.ts';
import { ApprovalsQuery, CallsQuery, MAX_WAIT_SECONDS } from './query.ts';
import { GOVERNANCE_ROUTES } from './policies.ts';
import { VerifyAnswer, VerifyBatch, VerifyCheck } from './verify-check.ts';
import { ApprovalSummary, CallDetail, CallView } from './views.ts';

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 description of this door: the same object for the same catalogue, whatever the installation. */
export function openApiDocument(catalogue: Catalogue): Json {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Prokura REST API',
      version: '1',
      description:
        'Every tool is one POST; each is decided by policy when it is made, and may wait for an approval. Errors are RFC 9457 problem details with a stable `code`.',
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

const ref = (name: string, kind = 'schemas'): Json => ({ $ref: `#/components/${kind}/${name}` });
const json = (schema: Json): Json => ({ 'application/json': { schema } });
const schemaOf = (schema: z.ZodType): Json => strip(z.toJSONSchema(schema, { io: 'input' }));

/** Without the keywords that are ours, or that OpenAPI says once for the whole document. */
function strip(value: unknown): Json {
  return JSON.parse(JSON.stringify(value), (name, member: unknown) =>
    name === '$schema' || (name === 'ref' && typeof member === 'string') ? undefined : member,
  ) as Json;
}

function toolOperation(entry: CatalogueEntry): Json {
  const { tool } = entry;
  const input = strip(entry.inputSchema);
  const reason = {
    type: 'string',
    maxLength: 500,
    description: 'Why, in the words of the requester; shown to whoever must approve it.',
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
    parameters: [ref('Wait', 'parameters'), ref('Tenant', 'parameters')],
    requestBody: { required: Array.isArray(input['required']), content: json(schema) },
    responses: {
      200: { description: 'Done.', content: json(done) },
      202: ref('NotDoneYet', 'responses'),
      400: ref('Problem', 'responses'),
      401: ref('Unauthenticated', 'responses'),
      403: {
        ...PROBLEM,
        description:
          'Denied by policy, mandate or approver; `code` says which, `outcome.missing` what would allow it.',
      },
      404: ref('Problem', 'responses'),
      409: {
        ...PROBLEM,
        description: 'It conflicts with how things are, or the request expired or was withdrawn.',
      },
      413: ref('Problem', 'responses'),
      415: ref('Problem', 'responses'),
      429: ref('Later', 'responses'),
      502: {
        ...PROBLEM,
        description:
          'The provider refused, failed or did not answer; `code` `unknown`: whether it took effect is not known.',
      },
      503: ref('Later', 'responses'),
    },
  };
}

function notes(tool: CatalogueEntry['tool']): string {
  const parts = [`Scope: \`${tool.scope}\`.`];
  if ('danger' in tool) parts.push(`Danger: ${tool.danger}.`);
  if (tool.tokenScope !== undefined) parts.push(`A person's access token needs \`${tool.tokenScope}\`.`);
  if (tool.only === 'people') parts.push('For people only.');
  return parts.join(' ');
}

const PROBLEM = { content: { 'application/problem+json': { schema: ref('Problem') } } };

const SCHEMAS = {
  Envelope: schemaOf(Envelope),
  Call: schemaOf(CallView),
  CallDetail: schemaOf(CallDetail),
  Approval: schemaOf(ApprovalSummary),
  LedgerEntry: schemaOf(LedgerLine),
  VerifyCheck: schemaOf(VerifyCheck),
  VerifyBatch: schemaOf(VerifyBatch),
  VerifyAnswer: schemaOf(VerifyAnswer),
  LedgerCheckpoint: schemaOf(CheckpointView),
  Problem: {
    type: 'object',
    description: 'RFC 9457 problem details.',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'For people: what to do next.' },
      code: { type: 'string', description: 'For programs: stable.' },
      problems: {
        type: 'array',
        items: { type: 'object', properties: { field: { type: 'string' }, problem: { type: 'string' } } },
      },
      outcome: ref('Envelope'),
      error_id: { type: 'string', description: 'Give it to an administrator: the cause is logged under it.' },
    },
  },
};

const RESPONSES = {
  Problem: { description: 'Refused.', ...PROBLEM },
  Unauthenticated: {
    description: 'No credential, or one that is not good (any more).',
    headers: { 'WWW-Authenticate': { schema: { type: 'string' } } },
    ...PROBLEM,
  },
  Later: {
    description: 'Not now: try again after Retry-After seconds.',
    headers: { 'Retry-After': { schema: { type: 'integer' } } },
    ...PROBLEM,
  },
  NotDoneYet: {
    description: 'It waits for an approval, or is being carried out. Do not send it again; look at Location.',
    headers: { Location: { schema: { type: 'string' }, description: '/v1/calls/{id}' } },
    content: json(ref('Envelope')),
  },
};

const PARAMETERS = {
  Wait: {
    name: 'Prefer',
    in: 'header',
    description: `\`wait=N\` (RFC 7240): wait up to N seconds, at most ${MAX_WAIT_SECONDS}, for an outcome. Without it an approval is not waited for, and an act for 5 seconds.`,
    schema: { type: 'string', examples: ['wait=10'] },
  },
  Tenant: {
    name: 'X-Prokura-Tenant',
    in: 'header',
    description:
      "The organisation, where a person's own access token is presented and there is more than one.",
    schema: { type: 'string', pattern: '^tnt_[0-9a-z]{26}$' },
  },
};

const SECURITY = {
  api_key: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key: `tnt_…:mk_live_…`. Its scopes name tools, `calls:read`, `ledger:read` or `admin`.',
  },
  delegation_token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A delegation token with the audience `<base URL>/v1`.',
  },
  access_token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "The person's access token from the identity provider, with `delegation:…` scopes.",
  },
};

const page = (member: string, schema: string): Json =>
  json({
    type: 'object',
    required: [member, 'next_cursor'],
    properties: {
      [member]: { type: 'array', items: ref(schema) },
      next_cursor: { type: ['string', 'null'] },
    },
  });

function queryParameters(schema: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = strip(z.toJSONSchema(schema)) as {
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: 'query',
    required: required.includes(name) && !('default' in rest),
    description,
    schema: rest,
  }));
}

const REFUSALS = {
  400: ref('Problem', 'responses'),
  401: ref('Unauthenticated', 'responses'),
  403: ref('Problem', 'responses'),
  503: ref('Later', 'responses'),
};
const ID = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };

const get = (
  operationId: string,
  summary: string,
  parameters: readonly Json[],
  content: Json,
  more: Json = {},
): Json => ({
  get: {
    operationId,
    summary,
    parameters: [...parameters, ref('Tenant', 'parameters')],
    responses: { 200: { description: 'The answer.', content }, ...REFUSALS, ...more },
  },
});

/** The rules of the organisation by their own addresses: each is the operation of one tool. */
function rulePaths(catalogue: Catalogue): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [route, tool] of Object.entries(GOVERNANCE_ROUTES)) {
    const [method = '', path = ''] = route.toLowerCase().split(' ');
    const entry = catalogue.get(tool);
    if (entry === undefined) continue;
    const { requestBody, ...rest } = toolOperation(entry);
    const body = method === 'get' ? {} : { requestBody };
    const query = method === 'get' ? queryParameters(entry.tool.input) : [];
    const parameters = [...(rest['parameters'] as Json[]), ...query];
    paths[path] = {
      ...paths[path],
      [method]: { ...rest, ...body, parameters, operationId: `${method}_${tool}` },
    };
  }
  return paths;
}

const NOT_FOUND = { 404: ref('Problem', 'responses') };

const RESOURCES = {
  '/v1/verify': {
    post: {
      operationId: 'verify',
      summary:
        'May this agent do this, for this person, now? For systems that gate actions of their own (API key with `verify`)',
      requestBody: { required: true, content: json({ oneOf: [ref('VerifyCheck'), ref('VerifyBatch')] }) },
      responses: {
        200: {
          description: 'The decision; of a batch, in order.',
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
    'The tools that you could be allowed to use',
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
  '/v1/calls': get(
    'listCalls',
    'Calls that concern you, newest first',
    queryParameters(CallsQuery),
    page('calls', 'Call'),
  ),
  '/v1/calls/{id}': get(
    'showCall',
    'One call with its outcome',
    [ID, ref('Wait', 'parameters')],
    json(ref('CallDetail')),
    NOT_FOUND,
  ),
  '/v1/approvals': get(
    'listApprovals',
    'Approvals that you asked for or may decide, newest first',
    queryParameters(ApprovalsQuery),
    page('approvals', 'Approval'),
  ),
  '/v1/approvals/{id}': get('showApproval', 'One approval', [ID], json(ref('Approval')), NOT_FOUND),
  '/v1/agents/{id}/secret': {
    post: {
      operationId: 'generateAgentSecret',
      summary:
        'Gives an agent a generated secret in place of all its credentials, and answers it once (scope `agent.manage`; the owner, IT admins or an API key)',
      parameters: [ID, ref('Tenant', 'parameters')],
      responses: {
        201: {
          description: 'The secret. It is kept nowhere.',
          content: json({
            type: 'object',
            properties: { agent_id: { type: 'string' }, client_secret: { type: 'string' } },
            required: ['agent_id', 'client_secret'],
          }),
        },
        ...REFUSALS,
        ...NOT_FOUND,
      },
    },
  },
  ...ledgerPaths({ get, page, queryParameters }),
};
