import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { App } from '#engine/app.ts';
import { setUpTenant, type SetUp } from '#engine/set-up.ts';
import type { Check } from '#lib/check.ts';
import { oneLine } from '#lib/one-line.ts';
import { readOrFault } from '#lib/problems.ts';
import { sha256 } from '#lib/crypto.ts';
import { asFault, Fault, type FaultCode } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { credentialOf } from '#lib/authorization.ts';
import { jsonBody } from '#lib/body.ts';
import { isStorable, NOT_STORABLE } from '#lib/storable.ts';

const Body = z.strictObject({
  tenant: oneLine(1, 200),
  administrators: z.array(z.email()).min(1).max(20),
  email_domains: z
    .array(z.string().regex(/^[a-z0-9.-]+\.[a-z]{2,}$/))
    .min(1)
    .max(50)
    .optional(),
  groups: z
    .partialRecord(
      z.enum(['it_admin', 'manager', 'executive', 'member']),
      z.string().regex(/^00g[0-9A-Za-z]{17}$/),
    )
    .optional(),
});

const STATUS = {
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<FaultCode, number>;

/** What the settings of this server give a new tenant, and how they are asked whether they work. */
interface Defaults extends Pick<SetUp, 'okta' | 'slackTeamId'> {
  /** Asks Okta, the issuer, Slack and the database. Never throws. */
  readonly checks: () => Promise<readonly Check[]>;
}

/**
 * The one interface that needs no tenant: `POST /v1/bootstrap` with the one-time local token makes the first
 * tenant with its first administrators. The token is spent by the first request that is well-formed, finds
 * Okta and its issuer working, and names people whom Okta knows; afterwards every token is refused. The
 * answer has all checks: what only Slack lacks can be mended later.
 */
export function bootstrapSurface(app: App, defaults: Defaults) {
  return {
    name: 'bootstrap' as const,
    fetch: async (request: Request): Promise<Response | null> => {
      if (new URL(request.url).pathname !== '/v1/bootstrap') return null;
      if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
      try {
        return Response.json(await bootstrap(app, defaults, request), {
          status: 201,
          headers: { 'cache-control': 'no-store' },
        });
      } catch (error) {
        const fault = asFault(error);
        const id = newId('err');
        app.log.warn({ error_id: id, err: fault.cause ?? fault }, 'bootstrap refused');
        // RFC 9457 problem details; `detail` is a text, and what else is known stands beside it.
        const body = {
          ...fault.detail,
          type: `urn:prokura:problem:${fault.code}`,
          title: 'The organisation was not set up',
          status: STATUS[fault.code],
          detail: fault.message,
          code: fault.code,
          error_id: id,
        };
        return Response.json(body, {
          status: STATUS[fault.code],
          headers: { 'content-type': 'application/problem+json' },
        });
      }
    },
  };
}

const MAX_TOKEN = 200;
const MAX_BODY_BYTES = 64 * 1024;

async function bootstrap(app: App, { checks: ask, ...defaults }: Defaults, request: Request) {
  const presented = credentialOf(request.headers.get('authorization'));
  if (presented?.scheme !== 'bearer' || presented.token.length > MAX_TOKEN)
    throw new Fault(
      'unauthenticated',
      'Send the one-time token from the file bootstrap-token: "Authorization: Bearer <token>".',
    );
  const hash = sha256(presented.token);
  const [known] = await app.database.db.execute<{ ok: boolean }>(sql`select bootstrap_valid(${hash}) as ok`);
  if (known?.ok !== true) throw spent();
  const body = await storableBody(request);
  const { tenant, administrators, email_domains, groups } = readOrFault(Body, body, 'The body does not fit');
  const checks = await ask();
  requireOkta(checks);
  const setUp: SetUp = {
    ...defaults,
    name: tenant,
    administrators,
    emailDomains: email_domains ?? [...new Set(administrators.map((email) => email.split('@')[1] ?? ''))],
    groups: groups ?? {},
  };
  const answer = await setUpTenant(app, setUp, async () => {
    const [claimed] = await app.database.db.execute<{ ok: boolean }>(
      sql`select bootstrap_claim(${hash}) as ok`,
    );
    if (claimed?.ok !== true) throw spent();
  });
  return { ...answer, checks };
}

/**
 * Nothing is made with an Okta or an issuer that does not work: it would show at the first import, or at
 * the first exchange. Fault `invalid_input`.
 */
function requireOkta(checks: readonly Check[]): void {
  const failed = checks.filter(({ id, status }) => status === 'failed' && /^(?:okta|issuer)\b/.test(id));
  if (failed.length === 0) return;
  const words = failed.map(({ asked, found, remedy }) => `${asked}. ${found} ${remedy}`).join(' ');
  throw new Fault(
    'invalid_input',
    `${words} Then start the server again; the one-time token has not been spent.`,
    { detail: { problems: failed.map(({ id, found }) => ({ field: id, problem: found })), checks } },
  );
}

async function storableBody(request: Request): Promise<unknown> {
  const body = await jsonBody(request, MAX_BODY_BYTES);
  if (body.problem === 'too_large')
    throw new Fault('invalid_input', `The request body can have at most ${MAX_BODY_BYTES} bytes.`);
  if (body.problem !== null) throw new Fault('invalid_input', 'The request body is not JSON in UTF-8.');
  if (!isStorable(body.value)) throw new Fault('invalid_input', NOT_STORABLE);
  return body.value;
}

const spent = (): Fault =>
  new Fault(
    'unauthenticated',
    'This one-time token is wrong or already used. If a tenant already exists, its administrators add people. Otherwise restart the server to get a new token.',
  );
