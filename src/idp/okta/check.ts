import { answersTo, clockCheck, SILENCE_REMEDY, silenceOf, type Check, type Silence } from '#lib/check.ts';
import { Fault } from '#lib/fault.ts';
import { listIn, objectIn, type AskOkta, type OktaToCheck } from './check-ask.ts';
import { roleCheck, rolesOfPeople } from './check-roles.ts';
import { DEFAULT_SCOPES } from './settings.ts';
import { createAuthorizer, type Authorizer } from './token.ts';
import { NoAnswer, send, type Answer } from './transport.ts';

/**
 * Asks an Okta organisation whether our credential is good for what this product does there, by reads
 * alone: does it answer, is there a token with each scope, what do the administrator roles allow. Stops at
 * the first answer without which the next question makes no sense.
 */
export async function checkOkta(okta: OktaToCheck): Promise<Check[]> {
  const org = answersTo('okta.org', 'Okta: the organisation');
  let first: Answer;
  try {
    first = await get(okta, '/.well-known/okta-organization', {});
  } catch (error) {
    const { code, words } = findSilence(error) ?? silenceOf(error);
    return [org.failed(`${okta.orgUrl} ${words}.`, SILENCE_REMEDY[code]('OKTA_ORG_URL'), code)];
  }
  if (first.status !== 200 || typeof objectIn(first)?.['id'] !== 'string')
    return [
      org.failed(
        `${okta.orgUrl} answered ${first.status}, and not as an Okta organisation does.`,
        'Check OKTA_ORG_URL: it is https://your-org.okta.com or your custom domain.',
        'not_okta',
      ),
    ];
  const date = Date.parse(first.headers.get('date') ?? '');
  return [
    org.ok(`${okta.orgUrl} answers.`),
    // The header has whole seconds: on average the clock is half of one further.
    ...(Number.isNaN(date)
      ? []
      : [clockCheck(answersTo('okta.clock', 'Okta: the clock'), "Okta's", date + 500, okta.now())]),
    ...(await withCredential(okta)),
  ];
}

const get = ({ orgUrl, timeoutMs }: OktaToCheck, path: string, headers: Record<string, string>) =>
  send({
    method: 'GET',
    url: `${orgUrl}${path}`,
    headers: { accept: 'application/json', ...headers },
    timeoutMs,
    signals: [],
  });

async function withCredential(okta: OktaToCheck): Promise<Check[]> {
  let authorizer: Authorizer;
  try {
    authorizer = createAuthorizer(okta.credential, {
      orgUrl: okta.orgUrl,
      timeoutMs: okta.timeoutMs,
      plan: { budgetMs: okta.timeoutMs, signals: [] },
      now: okta.now,
    });
  } catch (error) {
    // A key of a kind that Okta does not take.
    return [answersTo('okta.token', 'Okta: the credential').failed(...silentWords(error))];
  }
  const ask: AskOkta = async (path) =>
    get(okta, path, await authorizer.headers('GET', `${okta.orgUrl}${path}`));
  const token = await tokenChecks(okta, authorizer);
  if (token.some(({ status }) => status === 'failed')) return token;
  try {
    return [...token, ...(await checkReads(okta, ask))];
  } catch (error) {
    return [...token, answersTo('okta.reads', 'Okta: reading').failed(...silentWords(error))];
  }
}

/** A token of the service app, and its scopes: Okta gives all of them or none. */
async function tokenChecks(okta: OktaToCheck, authorizer: Authorizer): Promise<Check[]> {
  const token = answersTo('okta.token', 'Okta: the credential');
  if (okta.credential.kind === 'api_token')
    return [
      token.warning(
        'An API token is used. It has every right of the administrator who made it, and expires after 30 days without use.',
        'Use an API Services app instead: set OKTA_CLIENT_ID and OKTA_PRIVATE_KEY in place of OKTA_API_TOKEN.',
      ),
    ];
  const scopes = answersTo('okta.scopes', 'Okta: the scopes of the service app');
  try {
    await authorizer.headers('GET', `${okta.orgUrl}/api/v1/users`);
    return [
      token.ok('Okta gives the service app a token.'),
      scopes.ok(`Granted: ${DEFAULT_SCOPES.join(', ')}.`),
    ];
  } catch (error) {
    const missing = missingIn(error).filter((one) => one.startsWith('okta.'));
    if (missing.length === 0) return [token.failed(...silentWords(error))];
    return [
      token.ok('Okta knows the service app and accepts its key.'),
      scopes.failed(
        `Not granted: ${missing.join(', ')}. Okta then gives no token at all.`,
        `Grant ${missing.length === 1 ? 'it' : 'them'} in Okta: Applications, the app, tab Okta API Scopes.`,
        'missing_scope',
      ),
    ];
  }
}

const missingIn = (error: unknown): string[] =>
  error instanceof Fault && Array.isArray(error.detail.missing) ? error.detail.missing.map(String) : [];

/** What went wrong, what to do, and a code: for requests that are signed with the credential. */
function silentWords(error: unknown): [found: string, remedy: string, code: string] {
  const silent = findSilence(error);
  if (silent !== null)
    return [`Okta ${silent.words}.`, SILENCE_REMEDY[silent.code]('OKTA_ORG_URL'), silent.code];
  if (!(error instanceof Fault))
    return ['Okta could not be asked.', 'Look at the log, and try again in a minute.', 'unknown'];
  const [found, ...rest] = error.message.split(': ');
  const said = error.detail.provider;
  const quoted = said?.code ? ` Okta says: ${said.code}${said.summary ? `, ${said.summary}` : ''}` : '';
  return [
    `${found ?? error.message}.${quoted}`.replace(/\.\.$/, '.'),
    sentence(rest.join(': ') || 'Check OKTA_CLIENT_ID, OKTA_PRIVATE_KEY and OKTA_KEY_ID'),
    said?.code || error.code,
  ];
}

/** Why there was no answer, or null where there was one. */
function findSilence(error: unknown): Silence | null {
  const reason =
    error instanceof NoAnswer ? error.reason : error instanceof Fault ? error.detail.reason : undefined;
  if (reason === 'timeout') return { code: 'timeout', words: 'does not answer in time' };
  return reason === 'network' ? silenceOf((error as Error).cause) : null;
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

/** What the administrator roles let our credential see. */
async function checkReads(okta: OktaToCheck, ask: AskOkta): Promise<Check[]> {
  const people = answersTo('okta.people', 'Okta: reading people');
  const users = await ask('/api/v1/users?limit=1');
  if (users.status === 401)
    return [
      people.failed(
        'Okta refuses the credential (401).',
        'Make a new one in Okta, and set it here.',
        'credential_refused',
      ),
    ];
  const [one] = listIn(users);
  if (users.status !== 200 || one === undefined)
    return [
      people.failed(
        users.status === 200
          ? 'Okta shows nobody at all, so the app has no administrator role.'
          : `Okta refuses to list people (${users.status}).`,
        'Give the app an administrator role that covers your people: Applications, the app, tab Admin roles.',
        'admin_role',
      ),
      await roleCheck(okta, ask),
    ];
  const groups = await ask('/api/v1/groups?limit=1');
  return [
    people.ok('Okta lists people.'),
    groups.status === 200
      ? answersTo('okta.groups', 'Okta: reading groups').ok('Okta lists groups.')
      : answersTo('okta.groups', 'Okta: reading groups').failed(
          `Okta refuses to list groups (${groups.status}).`,
          "Add the permission okta.groups.read to the app's custom role.",
          'admin_role',
        ),
    await roleCheck(okta, ask),
    await rolesOfPeople(ask, String(one['id'])),
  ];
}
