import { findMandate } from '#domain/mandate/store.ts';
import { RESOURCE_WELL_KNOWN } from '#domain/token/resource-metadata.ts';
import type { App } from '#engine/app.ts';
import { envelopeOf } from '#engine/approve/envelope.ts';
import { approvalPage } from '#engine/approve/page.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { call } from '#engine/call.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import type { Outcome } from '#engine/outcome.ts';
import { previewCall } from '#engine/preview.ts';
import { isForClients } from '#engine/client-tools.ts';
import { publishedSchema } from '#engine/published.ts';
import { takesReason, withoutReason } from '#engine/reason.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';
import { readonly } from '#engine/transact.ts';
import type { Caller } from './authenticate.ts';
import { jsonObject } from './body.ts';
import { problem } from './faults.ts';
import { json, type Json } from './openapi-parts.ts';
import { toolOperation } from './openapi-tool.ts';
import { answerOf, derivedRoute, route, type Patience } from './route.ts';
import { PreviewView } from './views.ts';

// How long to wait for an act that needs no approval if the caller names no time, in ms.
const ACT_WAIT_MS = 5000;

/**
 * The HTTP status of each outcome. What the provider refused or never answered is a bad gateway (RFC 9110
 * section 15.6.3).
 */
export const OUTCOME_STATUS = {
  done: 200,
  waiting: 202,
  running: 202,
  denied: 403,
  rejected: 403,
  expired: 409,
  withdrawn: 409,
  failed: 502,
  unknown: 502,
} as const satisfies Record<Outcome['status'], number>;

/**
 * Uses a tool and draws the outcome. `body` is its input, with a `reason` beside it if the tool takes one. A
 * client that does not say how long it waits does not wait for approvals, and waits a few seconds for an
 * act. If the client goes away, the waiting ends but the call continues. Throws as `call` does.
 */
export async function useTool(
  app: App,
  caller: Caller,
  name: string,
  body: Readonly<Record<string, unknown>>,
  patience: Patience,
): Promise<Response> {
  return draw(app, caller, app.catalogue.get(name), await outcomeFor(app, caller, name, body, patience));
}

/**
 * The same for routes with an answer of their own: the tool's output once it is done, before that the drawn
 * outcome.
 */
export async function toolOutput(
  app: App,
  caller: Caller,
  name: string,
  input: Readonly<Record<string, unknown>>,
  patience: Patience,
): Promise<Response | Readonly<Record<string, unknown>>> {
  const outcome = await outcomeFor(app, caller, name, input, patience);
  return outcome.status === 'done' ? outcome.output : draw(app, caller, app.catalogue.get(name), outcome);
}

async function outcomeFor(
  app: App,
  caller: Caller,
  name: string,
  body: Readonly<Record<string, unknown>>,
  { waitMs, signal }: Patience,
): Promise<Outcome> {
  const entry = app.catalogue.get(name);
  const { input, reason } =
    entry === undefined ? { input: body, reason: undefined } : withoutReason(entry, body);
  const asked = Date.now();
  const first = await call(app, {
    tenantId: caller.tenantId,
    actor: caller.actor,
    tool: name,
    input,
    ...(reason === undefined ? {} : { reason }),
    ...(caller.idempotencyKey === undefined ? {} : { idempotencyKey: caller.idempotencyKey }),
  });
  const wanted =
    first.status === 'running' ? (waitMs ?? ACT_WAIT_MS) : first.status === 'waiting' ? (waitMs ?? 0) : 0;
  const left = wanted - (Date.now() - asked);
  const open = first.status === 'running' || first.status === 'waiting';
  return open && left > 0 ? awaitOutcome(app, caller.tenantId, first.callId, left, signal) : first;
}

/**
 * What a use of a tool would come to, and what it would change, for the same body. Nothing is done, and
 * nobody is asked.
 */
async function previewTool(
  app: App,
  caller: Caller,
  name: string,
  body: Readonly<Record<string, unknown>>,
): Promise<PreviewView> {
  const preview = await previewCall(app, caller.tenantId, caller.actor, name, body);
  const { tool, allowed, approvals, denial, impact } = preview;
  return {
    tool,
    allowed,
    ...(denial === null ? {} : { code: denial.code, reason: denial.message }),
    approvals: approvals.map((one) => ({ ...one, approvers: [...one.approvers] })),
    changes: impact === null ? null : impact.changes.map((change) => ({ ...change })),
    effect: impact?.effect ?? null,
    reversible: impact?.reversible ?? null,
  };
}

/**
 * The tools that this caller could be allowed to use, in the catalogue's order. Every use is decided again.
 */
async function toolsFor(app: App, { tenantId, actor }: Caller): Promise<CatalogueEntry[]> {
  const { all } = app.catalogue;
  if (actor.kind === 'person' && actor.through !== undefined) {
    const { scopes } = actor.through;
    return all.filter(
      ({ tool }) =>
        tool.only !== 'people' &&
        tool.offeredUnder?.(null) !== false &&
        (tool.scope === IMPLIED_SCOPE || scopes.includes(tool.scope)),
    );
  }
  if (actor.kind === 'person') {
    return all.filter(
      ({ tool }) => tool.tokenScope !== undefined && actor.tokenScopes?.includes(tool.tokenScope) === true,
    );
  }
  const notPeoples = all.filter(({ tool }) => tool.only !== 'people');
  if (actor.kind === 'service') return notPeoples.filter(({ tool }) => actor.tools.includes(tool.name));
  const mandate = await readonly(app, tenantId, (reader) => findMandate(reader, actor.mandateId));
  const named = mandate?.tools ?? null;
  return notPeoples.filter(
    ({ tool }) =>
      (tool.scope === IMPLIED_SCOPE && tool.offeredUnder?.(mandate) !== false) ||
      (actor.scopes.includes(tool.scope) && (named === null || named.includes(tool.name))),
  );
}

async function draw(
  app: App,
  caller: Caller,
  entry: CatalogueEntry | undefined,
  outcome: Outcome,
): Promise<Response> {
  const envelope = await envelopeOf(
    (id) => approvalPage(app.baseUrl, caller.tenantId, id),
    (work) => readonly(app, caller.tenantId, work),
    outcome,
  );
  const status = OUTCOME_STATUS[outcome.status];
  if (status >= 400)
    return problem(
      status,
      envelope.code ?? envelope.status,
      TITLES[status] ?? 'Not done',
      envelope.reason ?? '',
      { outcome: envelope },
      stepUp(app, caller, entry, envelope.code),
    );
  const headers: Record<string, string> =
    status === 202 && outcome.callId !== null ? { location: `/v1/calls/${outcome.callId}` } : {};
  return Response.json(envelope, { status, headers });
}

/**
 * The challenge that sends a person's client back to the sign-in for a missing scope (RFC 6750 section 3.1).
 * Empty for everybody else.
 */
function stepUp(
  { baseUrl, policies }: App,
  { actor }: Caller,
  entry: CatalogueEntry | undefined,
  code: string | undefined,
): Readonly<Record<string, string>> {
  if (actor.kind !== 'person' || actor.through === undefined || code !== 'scope_not_delegated') return {};
  if (entry === undefined || !isForClients(policies, entry)) return {};
  const scopes = [...actor.through.scopes, entry.tool.scope].join(' ');
  const metadata = `${baseUrl}${RESOURCE_WELL_KNOWN}/v1`;
  return {
    'www-authenticate': `Bearer error="insufficient_scope", scope="${scopes}", resource_metadata="${metadata}"`,
  };
}

const TITLES: Readonly<Record<number, string>> = {
  403: 'Denied',
  409: 'Ended without being executed',
  502: 'The provider did not make the change',
};

/** A tool as it is listed. */
const listed = (entry: CatalogueEntry) => {
  const { name, title, description, effects, scope } = entry.tool;
  return {
    name,
    title,
    description,
    family: entry.family,
    effects,
    scope,
    takes_reason: takesReason(entry),
    input_schema: publishedSchema(entry.inputSchema),
    output_schema: publishedSchema(entry.outputSchema),
  };
};

const LISTED: Json = {
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
};

/** The route of every tool. The document has one path for each. */
export const USE_TOOL_ROUTE = derivedRoute({
  method: 'POST',
  path: '/v1/tools/{name}',
  who: 'caller',
  paths: ({ all }) =>
    Object.fromEntries(all.map((entry) => [`/v1/tools/${entry.tool.name}`, { post: toolOperation(entry) }])),
  handle: async ({ app, caller, params, request, patience }) =>
    useTool(app, caller, params.name, await jsonObject(request), patience),
});

/** The routes about tools. */
export const TOOL_ROUTES = [
  route({
    method: 'GET',
    path: '/v1/tools',
    who: 'caller',
    operationId: 'listTools',
    summary: 'Lists the tools that you may be allowed to use',
    answer: { status: 200, description: 'The response.', content: () => json(LISTED) },
    handle: async ({ app, caller }) => ({ tools: (await toolsFor(app, caller)).map(listed) }),
  }),
  route({
    method: 'POST',
    path: '/v1/tools/{name}/preview',
    who: 'caller',
    operationId: 'previewTool',
    summary: 'What a use of this tool would come to, and what it would change. Nothing is done',
    description:
      'The administrator roles of people at Okta are read only when the tool is used, and count as none here: for somebody who holds one there, the use itself can need more approvals than this says, or be refused.',
    body: {
      required: false,
      parse: (body) => body,
      content: () => json({ type: 'object', description: 'The input of the tool.' }),
    },
    answer: answerOf(PreviewView, 200, 'What would come of it.'),
    handle: ({ app, caller, params, body }) => previewTool(app, caller, params.name, body),
  }),
];
