import type { PersonActor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { ORGANISATION } from '#domain/freeze/target.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { groupsOf } from '#domain/group/store.ts';
import { listTemplates } from '#domain/mandate/templates.ts';
import type { Person } from '#domain/person/store.ts';
import { scopesOf, type Scope } from '#domain/scope/store.ts';
import { KEY_SCOPES } from '#domain/tenant/api-key.ts';
import type { App } from '#engine/app.ts';
import { seesGroups } from '#engine/by-name.ts';
import type { Catalogue } from '#engine/catalogue.ts';
import {
  rolesInUse,
  searchAgents,
  searchApprovals,
  searchGroups,
  searchMandates,
  searchPeople,
  type Candidate,
} from './store.ts';
import type { Names } from './elements.ts';
import type { Picker } from './fields.ts';

/** Who looks something up, and where. */
export interface Looking {
  readonly app: App;
  readonly reader: TenantReader;
  readonly actor: PersonActor;
  readonly person: Person;
}

/** What a menu offers for a query, at most `limit`; for the empty one what the person is likely to want. */
type Search = (looking: Looking, query: string, limit: number) => Promise<readonly Candidate[]>;

const fits = (query: string) => (one: Candidate) =>
  [one.name, one.id, one.detail].some((text) => text.toLowerCase().includes(query.toLowerCase()));

/** What somebody typed, offered as it is: for names that may be new here. */
const asTyped = (query: string, pattern: RegExp, found: readonly Candidate[]): Candidate[] =>
  pattern.test(query) && !found.some(({ id }) => id === query)
    ? [{ id: query, name: query, detail: 'As you typed it' }]
    : [];

/** Who may hold a scope stands before what it is for: Slack cuts what is too long. */
const ofScope = ({ scope, description, holders }: Scope): Candidate => ({
  id: scope,
  name: scope,
  detail: holders.length === 0 ? description : `Only for ${holders.join(', ')}. ${description}`,
});

const PEOPLE: readonly Candidate[] = [
  {
    id: 'team',
    name: 'Direct reports',
    detail: 'Of the person who gives the mandate, as they are at that time',
  },
  { id: '*', name: 'Everybody', detail: 'Whom the person who gives the mandate may act on' },
];
const WHOLE: Candidate = {
  id: ORGANISATION,
  name: 'The whole organisation',
  detail: 'Every agent and every mandate',
};

/** Those that the policies which ship speak of. */
const SHIPPED_ROLES = ['executive', 'it_admin', 'manager', 'member'];

const currencyNames = new Intl.DisplayNames('en', { type: 'currency' });
const CURRENCIES = Intl.supportedValuesOf('currency').map((code) => ({
  id: code,
  name: code,
  detail: currencyNames.of(code) ?? code,
}));
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')].map((zone) => ({
  id: zone,
  name: zone,
  detail: 'Time zone',
}));

const SEARCHES: Readonly<Record<Picker, Search>> = {
  // Nobody is offered before a name was begun: a list of everybody helps nobody.
  person: async ({ reader }, query, limit) => (query === '' ? [] : searchPeople(reader, query, limit)),
  agent: ({ reader, person }, query, limit) => searchAgents(reader, query, limit, person.id),
  scope: async ({ reader }, query) => (await scopesOf(reader)).map(ofScope).filter(fits(query)),
  scope_to_give: async ({ reader, person }, query) => {
    const { roles, scopes } = await authorityOf(reader, person.id);
    return (await scopesOf(reader))
      .filter(({ scope }) => scopes.includes(scope))
      .filter(({ holders }) => holders.length === 0 || holders.some((role) => roles.includes(role)))
      .map(ofScope)
      .filter(fits(query));
  },
  key_scope: async ({ app: { catalogue } }, query) => [
    ...KEY_SCOPES.map((scope) => ({ id: scope, name: scope, detail: 'A part of the API' })).filter(
      fits(query),
    ),
    ...toolsIn(catalogue).filter(fits(query)),
  ],
  tool: async ({ app: { catalogue } }, query) => toolsIn(catalogue).filter(fits(query)),
  template: async ({ reader }, query) =>
    (await listTemplates(reader))
      .map(({ name, description }) => ({ id: name, name, detail: description }))
      .filter(fits(query)),
  mandate: async ({ reader, person }, query, limit) => {
    const { roles } = await authorityOf(reader, person.id);
    const found = await searchMandates(reader, query, limit, roles.includes('it_admin') ? null : person.id);
    return [...found, ...asTyped(query, /^mdt_[0-9a-z]{26}$/, found)];
  },
  approval: async ({ reader, person }, query, limit) => {
    const found = await searchApprovals(reader, query, limit, person.id);
    return [...found, ...asTyped(query, /^apr_[0-9a-z]{26}$/, found)];
  },
  group: async ({ app, reader, actor }, query, limit) => {
    const all = (await seesGroups(app, reader, actor)) ? await searchGroups(reader, query, limit) : [];
    const found = all.map(({ uid, name, source }) => ({
      id: uid,
      name,
      detail: source,
    }));
    return [...found, ...asTyped(query, /^[\w-]{3,100}$/, found)];
  },
  role: async ({ app, reader, actor }, query) => {
    const given = (await seesGroups(app, reader, actor)) ? await rolesInUse(reader) : [];
    const known = [...new Set([...SHIPPED_ROLES, ...given])].sort();
    const found = known.map((role) => ({ id: role, name: role, detail: 'Role' })).filter(fits(query));
    return [...found, ...asTyped(query, /^[a-z0-9_]{2,40}$/, found)];
  },
  resources: async ({ app, reader, actor, person }, query, limit) => {
    const people = query === '' ? [] : await searchPeople(reader, query, limit);
    const among = (await seesGroups(app, reader, actor)) ? null : await groupsOf(reader, person.id);
    const groups = await searchGroups(reader, query, limit, among);
    return [
      ...PEOPLE.filter(fits(query)),
      ...people.map((one) => ({ ...one, id: `person:${one.id}` })),
      ...groups.map(({ id, name }) => ({ id: `group:${id}`, name, detail: 'The members of this group' })),
      ...asTyped(query, /^resource:[\x21-\x7e]{1,140}$/, []),
    ];
  },
  freezable: async (looking, query, limit) => [
    ...[WHOLE].filter(fits(query)),
    ...(await SEARCHES.agent(looking, query, limit)),
    ...(await SEARCHES.person(looking, query, limit)),
    ...(await SEARCHES.mandate(looking, query, limit)),
  ],
  currency: async (_, query) => CURRENCIES.filter(fits(query)),
  timezone: async (_, query) => ZONES.filter(fits(query)),
};

const toolsIn = (catalogue: Catalogue): Candidate[] =>
  catalogue.all.map(({ tool }) => ({ id: tool.name, name: tool.title, detail: tool.name }));

/**
 * What a menu offers for a query. Groups, and the roles that they give, only to those who see what groups
 * give; of mandates and requests what concerns the person. People, agents, scopes, templates and tools are
 * offered to everybody, whatever an organisation's policies say of their lists.
 */
export const searchFor = async (
  of: Picker,
  looking: Looking,
  query: string,
  limit: number,
): Promise<readonly Candidate[]> => (await SEARCHES[of](looking, query, limit)).slice(0, limit);

/** What those values are called that stand for somebody or something without naming it. */
export const LABELS: Names = new Map([...PEOPLE, WHOLE].map(({ id, name }) => [id, name]));
