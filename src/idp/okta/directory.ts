import type { Directory, ProviderPerson } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import { oktaId } from './id.ts';
import { getJson, type SdkClient } from './sdk.ts';
import { factorOf, groupOf, idOf, listOf, passwordChangedOf, personOf, roleOf } from './wire.ts';

// How long jobs may wait while they read lists, in ms. The rate limit's window is one minute.
const LIST_BUDGET_MS = 65_000;
// The most pages of a search while a person waits.
const SEARCH_PAGES = 3;
// Okta's documented way to cheaper user lists (management API, listUsers, Content-Type).
const LEAN_USERS =
  'application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"';

/**
 * Reads of one Okta organisation, as raw JSON with Link-header paging. `people` and `findPeople` use
 * `search`, which is eventually consistent (a change shows seconds later) and ends after 50,000 people.
 * `person` is immediate.
 */
export function createDirectory(client: SdkClient): Directory {
  const address = (path: string, query: Record<string, string> = {}): string => {
    const search = new URLSearchParams(query).toString();
    return `${client.baseUrl}/api/v1${path}${search === '' ? '' : `?${search}`}`;
  };
  const user = async (uid: string, signal: AbortSignal | undefined): Promise<unknown> =>
    (await getJson(client, address(`/users/${oktaId('user', uid)}`), { signal })).body;

  /**
   * The pages of a list. Empty pages with a `next` link are followed. Throws Fault `unavailable` for a page
   * that links to itself.
   */
  async function* readPages(
    first: string,
    call: Parameters<typeof getJson>[2],
  ): AsyncGenerator<unknown[], void> {
    for (let url: string | null = first; url !== null;) {
      const { body, next } = await getJson(client, url, call);
      yield listOf(body);
      if (next === url) throw endless();
      url = next;
    }
  }

  return {
    async findPeople(query, limit, signal) {
      const words = query.trim();
      if (words === '' || limit < 1) return [];
      const found: ProviderPerson[] = [];
      const pageSize = String(Math.min(200, limit + 10));
      let read = 0;
      for await (const page of readPages(address('/users', { search: searchFor(words), limit: pageSize }), {
        signal,
        contentType: LEAN_USERS,
      })) {
        found.push(...page.map(personOf).filter((one) => one.status !== 'DEPROVISIONED'));
        read += 1;
        if (found.length >= limit || read === SEARCH_PAGES) break;
      }
      return found.slice(0, limit);
    },

    async person(uid, signal) {
      return personOf(await user(uid, signal));
    },

    async *people(signal) {
      const first = address('/users', { search: 'status pr', limit: '200' });
      let any = false;
      for await (const page of readPages(first, {
        signal,
        contentType: LEAN_USERS,
        waitBudgetMs: LIST_BUDGET_MS,
      })) {
        if (!any && page.length === 0) throw nobody();
        any = true;
        if (page.length > 0) yield page.map(personOf);
      }
    },

    async *groups(signal) {
      for await (const page of readPages(address('/groups', { limit: '200' }), {
        signal,
        waitBudgetMs: LIST_BUDGET_MS,
      })) {
        if (page.length > 0) yield page.map(groupOf);
      }
    },

    async group(uid, signal) {
      return groupOf((await getJson(client, address(`/groups/${oktaId('group', uid)}`), { signal })).body);
    },

    async groupsOf(uid, signal) {
      const found: string[] = [];
      const first = address(`/users/${oktaId('user', uid)}/groups`, { limit: '200' });
      for await (const page of readPages(first, { signal })) found.push(...page.map(idOf));
      return found;
    },

    async *members(groupUid, signal) {
      const first = address(`/groups/${oktaId('group', groupUid)}/users`, { limit: '200' });
      for await (const page of readPages(first, {
        signal,
        contentType: LEAN_USERS,
        waitBudgetMs: LIST_BUDGET_MS,
      })) {
        if (page.length > 0) yield page.map(idOf);
      }
    },

    async factors(uid, signal) {
      const { body } = await getJson(client, address(`/users/${oktaId('user', uid)}/factors`), { signal });
      return listOf(body).map(factorOf);
    },

    async adminRoles(uid, signal) {
      const { body } = await getJson(client, address(`/users/${oktaId('user', uid)}/roles`), { signal });
      return listOf(body).flatMap((role) => roleOf(role) ?? []);
    },

    async passwordChanged(uid, signal) {
      return passwordChangedOf(await user(uid, signal));
    },
  };
}

/**
 * Okta's search expression for people whose first, last or full name, login or email starts with `words`.
 * Values are JSON strings, as in SCIM filters, so quotes and backslashes are escaped. Two words also match
 * first and last name in either order.
 */
function searchFor(words: string): string {
  const starts = (attribute: string, value: string): string =>
    `profile.${attribute} sw ${JSON.stringify(value)}`;
  const either = ['firstName', 'lastName', 'displayName', 'login', 'email'].map((attribute) =>
    starts(attribute, words),
  );
  const [one, ...rest] = words.split(/\s+/);
  const two = rest.join(' ');
  if (one === undefined || two === '') return either.join(' or ');
  const both = (first: string, last: string): string =>
    `(${starts('firstName', first)} and ${starts('lastName', last)})`;
  return [...either, both(one, two), both(two, one)].join(' or ');
}

const nobody = (): Fault =>
  new Fault(
    'forbidden',
    'Okta lists no people for our app, so it has no administrator role. Assign one in Okta (Applications, the app, Admin roles), at least Read-only Administrator.',
    { detail: { missing: ['admin_role'], reason: 'empty_directory' } },
  );

const endless = (): Fault =>
  new Fault('unavailable', 'Okta’s list does not end: its next page is the same page. Try again later.', {
    detail: { reason: 'endless_list', unanswered: false },
  });
