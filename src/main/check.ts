import { checkDatabase, type DatabaseChecks } from '#db/check.ts';
import { checkOkta } from '#idp/okta/index.ts';
import { answersTo, type Check } from '#lib/check.ts';
import { checkSlack, type SlackToCheck } from '#surfaces/slack/check.ts';
import { checkIssuer } from './check-issuer.ts';
import type { OktaConfig } from './config.ts';

/** What an installation is made of, as far as it can be asked whether it works. */
export interface Installation {
  readonly mode: 'sandbox' | 'live';
  readonly publicUrl: string;
  readonly okta: OktaConfig;
  readonly slack: SlackToCheck & { readonly signingSecrets: readonly string[] };
  /** Null: the embedded database, which is not running. */
  readonly ownerUrl: string | null;
  /** The clock of this machine; left out: the real one. */
  readonly clock?: () => number;
  /** For one request, in milliseconds; 10 seconds where it is left out. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** Everything asked of one system together, in milliseconds. */
const DEADLINE_MS = 45_000;

/**
 * Asks Okta, the issuer, the login app, Slack and the database whether this installation works, all at the
 * same time and by reads alone. Never throws: what cannot be asked is a failed check. No answer holds a
 * secret, not even where one of these quotes it back.
 */
export async function runChecks(parts: Installation): Promise<Check[]> {
  const { okta, slack, mode, ownerUrl } = parts;
  const now = parts.clock ?? Date.now;
  const timeoutMs = parts.timeoutMs ?? TIMEOUT_MS;
  const database = inTime('database', 'Database', databaseChecks(ownerUrl, mode, now));
  const tenants = database.then((found) => ('tenants' in found ? found.tenants : []));
  const groups = await Promise.all([
    inTime(
      'okta',
      'Okta',
      checkOkta({
        orgUrl: okta.orgUrl.replace(/\/$/, ''),
        credential: okta.credential,
        timeoutMs,
        now,
      }),
    ),
    // Its time begins when it is asked: the wait for the database is the database's.
    tenants.then((found) =>
      inTime(
        'issuer',
        'Issuer',
        checkIssuer({ okta, publicUrl: parts.publicUrl, tenants: found, timeoutMs }),
      ),
    ),
    inTime('slack', 'Slack', checkSlack(slack)),
    database,
  ]);
  const checks = groups.flatMap((group) => ('checks' in group ? group.checks : group));
  return withoutSecrets(checks, secretsOf(parts));
}

async function databaseChecks(
  ownerUrl: string | null,
  mode: Installation['mode'],
  now: () => number,
): Promise<DatabaseChecks> {
  if (ownerUrl !== null) return checkDatabase(ownerUrl, mode, now);
  const answers = answersTo('database.reached', 'Database: the connection');
  const check = answers.warning(
    'The embedded PostgreSQL does not run, so it was not asked.',
    'Start the server (npm start), and check again; or set DATABASE_URL to a database of yours.',
  );
  return { checks: [check], tenants: [] };
}

/** The answer, or in its place a failed check where it takes too long or breaks. */
async function inTime<T extends readonly Check[] | DatabaseChecks>(
  id: string,
  name: string,
  asked: Promise<T>,
): Promise<T | Check[]> {
  const answers = answersTo(id, name);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Check[]>((resolve) => {
    timer = setTimeout(
      () =>
        resolve([
          answers.failed(
            `The questions were not answered within ${DEADLINE_MS / 1000} seconds.`,
            'Look at the network between this machine and it, and check again.',
            'timeout',
          ),
        ]),
      DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    return [
      answers.failed(
        'It answered in a way that this check does not understand.',
        'Check proxies in between, and that the settings name the right systems.',
        'unexpected',
      ),
    ];
  } finally {
    clearTimeout(timer);
  }
}

/** Everything secret in the settings, in the forms in which it is sent. */
function secretsOf({ okta, slack, ownerUrl }: Installation): string[] {
  const { credential, login } = okta;
  const password = ownerUrl === null || !URL.canParse(ownerUrl) ? '' : new URL(ownerUrl).password;
  return [
    slack.botToken,
    ...slack.signingSecrets,
    ...(credential.kind === 'api_token'
      ? [credential.token]
      : PRIVATE_MEMBERS.map((name) => credential.privateKey[name])),
    ...clientSecretForms(login),
    password,
    decodeSafely(password),
  ].filter((secret): secret is string => typeof secret === 'string' && secret.length >= SHORTEST_SECRET);
}

/**
 * The login app's secret bare and encoded for a form, and with its id as HTTP Basic has them (RFC 6749
 * section 2.3.1).
 */
function clientSecretForms(login: OktaConfig['login']): string[] {
  if (login?.clientSecret == null) return [];
  const { clientId, clientSecret } = login;
  const encoded = encodeURIComponent(clientSecret);
  const inForm = new URLSearchParams({ '': clientSecret }).toString().slice(1);
  const pairs = [
    `${clientId}:${clientSecret}`,
    ...[encoded, inForm].map((secret) => `${encodeURIComponent(clientId)}:${secret}`),
  ];
  return [clientSecret, encoded, inForm, ...pairs.map((pair) => Buffer.from(pair).toString('base64'))];
}

/** Of a private key in JWK form (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

/** What is shorter stands in ordinary words, and guards nothing. */
const SHORTEST_SECRET = 8;

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutSecrets(checks: readonly Check[], secrets: readonly string[]): Check[] {
  const bare = (text: string) => secrets.reduce((left, secret) => left.replaceAll(secret, '[secret]'), text);
  return checks.map((check) => ({
    ...check,
    found: bare(check.found),
    remedy: check.remedy === null ? null : bare(check.remedy),
    ...(check.code === undefined ? {} : { code: bare(check.code) }),
  }));
}

/**
 * The checks as lines for people. What to do about several in a row is said once, behind the last of them.
 */
export function inLines(checks: readonly Check[]): string {
  const words = { ok: 'OK', warning: 'WARNING', failed: 'FAILED' } as const;
  return checks
    .map(({ status, asked, found, remedy }, index) => {
      const last = checks[index + 1]?.remedy !== remedy;
      return `${words[status].padEnd(8)} ${asked}. ${found}${remedy === null || !last ? '' : `\n         → ${remedy}`}\n`;
    })
    .join('');
}
