import { Hono } from 'hono';
import type { Wire } from '../types.ts';
import { type Args, readArgs, SlackError } from './args.ts';
import type { createFaults, SlackFault } from './faults.ts';
import type { Method, Workspace } from './method.ts';
import { METHODS } from './methods.ts';

/** A call that the app under test made: for assertions on what was asked, how often, with which token. */
export interface ApiCall {
  readonly method: string;
  readonly args: Wire;
  readonly error: string | null;
}

/** What the Web API needs. */
export interface WebApiOptions {
  readonly workspace: Workspace;
  readonly botToken: string;
  readonly faults: ReturnType<typeof createFaults>;
  readonly onCall: (call: ApiCall) => void;
}

/** `/api/{method}`: authentication, scopes, faults, and the method itself, answered as Slack answers. */
export function webApi({ workspace, botToken, faults, onCall }: WebApiOptions): Hono {
  const app = new Hono();
  app.all('/:method', async (context) => {
    const name = context.req.param('method');
    const fault = faults.take(name);
    const struck = fault === undefined ? null : await strike(fault);
    if (struck !== null) {
      onCall({ method: name, args: {}, error: fault?.kind ?? null });
      return struck;
    }
    const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
    let args: Args | null = null;
    try {
      args = await readArgs(context.req.raw);
      if (fault?.kind === 'error') throw new SlackError(fault.error ?? 'internal_error');
      if (method === undefined) throw new SlackError('unknown_method', { req_method: name });
      const accepted = authorise(
        method,
        name,
        workspace,
        args,
        context.req.header('authorization'),
        botToken,
      );
      const body = method.run(workspace, args);
      onCall({ method: name, args: redacted(args), error: null });
      return answer({ ok: true, ...body }, workspace, accepted);
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      onCall({ method: name, args: args === null ? {} : redacted(args), error: error.code });
      // Whose scopes these are, Slack says only once it has taken the token.
      const body = { ok: false, error: error.code, ...error.more };
      return UNAUTHENTICATED.has(error.code) ? Response.json(body) : answer(body, workspace, []);
    }
  });
  return app;
}

const UNAUTHENTICATED: ReadonlySet<string> = new Set([
  'not_authed',
  'invalid_auth',
  'token_revoked',
  'account_inactive',
]);

function authorise(
  method: Method,
  name: string,
  workspace: Workspace,
  args: Args,
  header: string | undefined,
  botToken: string,
): readonly string[] {
  if (name === 'api.test') return [];
  const token = header?.replace(/^Bearer\s+/i, '') ?? args.text('token');
  if (token === null) throw new SlackError('not_authed');
  if (token !== botToken) throw new SlackError('invalid_auth');
  const accepted = typeof method.scopes === 'function' ? method.scopes(workspace, args) : method.scopes;
  if (accepted.length > 0 && !accepted.some((scope) => workspace.scopes.has(scope))) {
    throw new SlackError('missing_scope', {
      needed: accepted.join(','),
      provided: [...workspace.scopes].join(','),
    });
  }
  return accepted;
}

function redacted(args: Args): Wire {
  return Object.fromEntries(
    Object.keys(args.raw)
      .filter((name) => name !== 'token')
      .map((name) => [name, parsed(args, name)]),
  );
}

function parsed(args: Args, name: string): unknown {
  try {
    return ['blocks', 'view'].includes(name) ? args.json(name) : args.raw[name];
  } catch {
    return args.raw[name];
  }
}

const answer = (body: Wire, { scopes, world }: Workspace, accepted: readonly string[]): Response =>
  Response.json(body, {
    headers: {
      'x-oauth-scopes': [...scopes].join(','),
      'x-accepted-oauth-scopes': accepted.join(','),
      'x-slack-req-id': world.id('', 16).toLowerCase(),
    },
  });

async function strike(fault: SlackFault): Promise<Response | null> {
  if (fault.kind === 'rate_limited') {
    return Response.json(
      { ok: false, error: 'ratelimited' },
      { status: 429, headers: { 'retry-after': String(fault.retryAfter ?? 1) } },
    );
  }
  if (fault.kind === 'server_error') return new Response('upstream error', { status: 500 });
  if (fault.kind === 'slow')
    await (fault.until ?? new Promise((resolve) => setTimeout(resolve, fault.delayMs ?? 5000)));
  return null;
}
