import { and, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import type { ReadDocument } from '#lib/guarded-fetch.ts';
import { newId } from '#lib/id.ts';
import { readIssuerKeys } from '#lib/jwks.ts';
import { canonicalJson } from '#lib/json.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Change } from '../impact.ts';
import { requireKnownScopes } from '../scope/rules.ts';
import { VENDORS } from '../token/subject/providers/index.ts';
import type { Section, Vendor } from '../token/subject/providers/vendor.ts';
import type { IdentityProvider } from '../token/store.ts';
import { theTenant } from './store.ts';
import { identityProviders, tenants } from './tables.ts';

type Kind = IdentityProvider['kind'];

/** The values of `enabled_providers`, in the order in which they are returned. */
const PROVIDER_NAMES = ['API_KEY', 'COGNITO', 'ENTRA', 'OIDC', 'OKTA'] as const;
/** The kinds of which a tenant has at most one, by their member of the document. */
const SINGLE = { okta: 'OKTA', entra: 'ENTRA', cognito: 'COGNITO' } as const satisfies Record<string, Kind>;
const SINGLE_MEMBERS = Object.keys(SINGLE) as (keyof typeof SINGLE)[];
const MAX_GENERIC = 20;

/**
 * Body of `PUT /v1/tenants/{tenantId}/identity-providers`: the whole configuration. A section that is left
 * out is removed.
 */
export const IdentityProvidersDocument = z.strictObject({
  enabled_providers: z
    .array(z.enum(PROVIDER_NAMES))
    .refine((names) => new Set(names).size === names.length, 'lists a provider twice')
    .describe(
      'Whose credentials are accepted. Without API_KEY, the REST API rejects the API keys of this organisation; SCIM keys keep working.',
    ),
  one_time_scopes: z
    .array(z.string().min(1).max(200))
    .max(100)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'lists a scope twice')
    .optional()
    .describe(
      'Scopes that make a subject token single-use: it can be exchanged only once, so a stolen copy is worthless. Default: none.',
    ),
  okta: VENDORS.OKTA.section.optional().describe('A custom authorization server in Okta.'),
  entra: VENDORS.ENTRA.section.optional().describe('A Microsoft Entra ID directory.'),
  cognito: VENDORS.COGNITO.section.optional().describe('An Amazon Cognito user pool.'),
  oidc: z
    .array(VENDORS.OIDC.section)
    .max(MAX_GENERIC)
    .optional()
    .describe('Any other OpenID Connect providers.'),
});
/** The parsed form of `IdentityProvidersDocument`. */
export type IdentityProvidersDocument = z.infer<typeof IdentityProvidersDocument>;

/**
 * The configuration as it is returned. `unconfigured`: providers that are enabled without a section, so that
 * their tokens are not accepted.
 */
export const StoredIdentityProviders = IdentityProvidersDocument.extend({
  unconfigured: z.array(z.enum(PROVIDER_NAMES)).optional(),
});
/** The parsed form of `StoredIdentityProviders`. */
export type StoredIdentityProviders = z.infer<typeof StoredIdentityProviders>;

interface Entry {
  readonly kind: Kind;
  /** Its place in the document: `okta`, `oidc.0`. */
  readonly path: string;
  readonly section: Section;
  readonly vendor: Vendor;
}

function entriesOf(document: IdentityProvidersDocument): Entry[] {
  const singles = SINGLE_MEMBERS.flatMap((path) => {
    const section = document[path];
    const kind = SINGLE[path];
    return section === undefined ? [] : [{ kind, path, section, vendor: VENDORS[kind] }];
  });
  const generic = (document.oidc ?? []).map((section, index) => ({
    kind: 'OIDC' as const,
    path: `oidc.${index}`,
    section,
    vendor: VENDORS.OIDC,
  }));
  return [...singles, ...generic];
}

/**
 * Refuses what no organisation may configure, without any request: an issuer that cannot be the vendor's, or
 * an issuer that is repeated. With `current`, also refuses an enabled provider whose section is missing
 * although it is configured now: it would be dropped unnoticed. Fault `invalid_input` with `detail.problems`.
 * Does not contact the issuers.
 */
export function checkDocument(
  document: IdentityProvidersDocument,
  options: { readonly loopback: boolean; readonly current?: StoredIdentityProviders },
): void {
  const entries = entriesOf(document);
  const problems = entries.flatMap(({ path, section, vendor }) => {
    const found = vendor.fault(section, options);
    return found === null ? [] : [{ field: `${path}.${found.field}`, problem: found.problem }];
  });
  entries.forEach(({ path, section }, index) => {
    if (entries.findIndex((other) => other.section.issuer === section.issuer) < index)
      problems.push({
        field: `${path}.issuer`,
        problem: 'is listed twice; each issuer can be only one provider.',
      });
  });
  const before = options.current === undefined ? [] : entriesOf(options.current);
  for (const kind of missingSections(document, entries)) {
    if (before.some((entry) => entry.kind === kind))
      problems.push({
        field: kind.toLowerCase(),
        problem: `${kind} is enabled now, but its section is missing. PUT replaces everything: send the section, or remove ${kind} from enabled_providers.`,
      });
  }
  refuseProblems(problems);
}

/**
 * Fetches every issuer's discovery document, which must name exactly that issuer, and its keys, of which one
 * must be usable. `fetch` must be guarded: https at public addresses. Fault `invalid_input` with
 * `detail.problems`.
 */
export async function checkIssuers(document: IdentityProvidersDocument, fetch: ReadDocument): Promise<void> {
  const answers = await Promise.all(
    entriesOf(document).map(async ({ path, section, vendor }) => {
      const field = `${path}.issuer`;
      try {
        const keys = await readIssuerKeys(fetch, section.issuer);
        const usable = [...keys.values()].some(({ alg }) => vendor.algorithms.includes(alg));
        const wanted = vendor.algorithms.join(' or ');
        return usable ? [] : [{ field, problem: `does not publish a key that can verify ${wanted}.` }];
      } catch (error) {
        // Only our own words about the answer: a socket's error could reveal something about an internal
        // address.
        const said =
          error instanceof TypeError ? `could not be read: ${error.message}.` : 'is not responding.';
        return [{ field, problem: said }];
      }
    }),
  );
  refuseProblems(answers.flat());
}

/** The configuration now. */
export async function identityProvidersDocument(reader: TenantReader): Promise<StoredIdentityProviders> {
  const rows = await allRows(reader);
  const { settings } = await theTenant(reader);
  const enabled: readonly string[] = settings.enabledProviders ?? [
    'API_KEY',
    ...rows.flatMap((row) => (row.enabled ? [row.kind] : [])),
  ];
  const sectionOf = (kind: Kind) => {
    const row = rows.find((one) => one.kind === kind);
    return row === undefined ? null : VENDORS[kind].toSection(row);
  };
  const generic = rows.filter((row) => row.kind === 'OIDC').map((row) => VENDORS.OIDC.toSection(row));
  const { oneTimeScopes = [] } = settings;
  const document: IdentityProvidersDocument = {
    enabled_providers: PROVIDER_NAMES.filter((name) => enabled.includes(name)),
    ...(oneTimeScopes.length === 0 ? {} : { one_time_scopes: [...oneTimeScopes] }),
    ...Object.fromEntries(
      SINGLE_MEMBERS.flatMap((member) => {
        const section = sectionOf(SINGLE[member]);
        return section === null ? [] : [[member, section]];
      }),
    ),
    ...(generic.length === 0 ? {} : { oidc: generic }),
  };
  const unconfigured = missingSections(document, entriesOf(document));
  return { ...document, ...(unconfigured.length === 0 ? {} : { unconfigured }) };
}

/**
 * Replaces the configuration, which must have passed `checkDocument`. Does not contact the issuers. Fault
 * `invalid_input` for unknown one-time scopes.
 */
export async function saveIdentityProviders(
  ctx: TenantWriter,
  document: IdentityProvidersDocument,
  by: { readonly actor: string; readonly callId: string },
): Promise<StoredIdentityProviders> {
  const { enabled_providers: enabled, one_time_scopes: oneTime = [] } = document;
  await checkOneTimeScopes(ctx, document);
  const before = await allRows(ctx);
  const wanted = entriesOf(document).map(({ kind, section, vendor }) => ({
    kind,
    enabled: enabled.includes(kind),
    ...vendor.toRow(section),
  }));
  const kept = before.filter((row) =>
    wanted.some((one) => one.issuer === row.issuer && one.kind === row.kind),
  );
  const gone = before.filter((row) => !kept.includes(row));
  const mine = eq(identityProviders.tenantId, ctx.tenantId);
  if (gone.length > 0)
    await ctx.db.delete(identityProviders).where(
      and(
        mine,
        inArray(
          identityProviders.id,
          gone.map(({ id }) => id),
        ),
      ),
    );
  for (const row of wanted) {
    const old = kept.find((one) => one.issuer === row.issuer);
    if (old === undefined)
      await ctx.db
        .insert(identityProviders)
        .values({ ...row, tenantId: ctx.tenantId, id: newId('idp'), createdAt: ctx.now });
    else
      await ctx.db
        .update(identityProviders)
        .set(row)
        .where(and(mine, eq(identityProviders.id, old.id)));
  }
  await ctx.db
    .update(tenants)
    .set({
      settings: sql`${tenants.settings} || ${JSON.stringify({ enabledProviders: enabled, oneTimeScopes: oneTime })}::jsonb`,
    })
    .where(eq(tenants.id, ctx.tenantId));
  ctx.record({
    event: 'providers_changed',
    actor: by.actor,
    data: {
      enabled_providers: [...enabled].sort(),
      one_time_scopes: [...oneTime].sort(),
      issuers: wanted.map(({ kind, issuer }) => ({ kind, issuer })),
      removed: gone.map(({ kind, issuer }) => ({ kind, issuer })),
      call_id: by.callId,
    },
  });
  return identityProvidersDocument(ctx);
}

/**
 * Refuses one-time scopes that the catalogue does not have: a misspelt scope would restrict nothing, and
 * nobody would notice. Fault `invalid_input`.
 */
export async function checkOneTimeScopes(
  reader: TenantReader,
  { one_time_scopes: scopes = [] }: IdentityProvidersDocument,
): Promise<void> {
  await requireKnownScopes(reader, scopes, 'one_time_scopes');
}

/** What a configuration would change, member by member, as approvers see it. */
export function providerChanges(
  before: StoredIdentityProviders,
  after: IdentityProvidersDocument,
): readonly Change[] {
  const members = ['enabled_providers', 'one_time_scopes', ...SINGLE_MEMBERS, 'oidc'] as const;
  const text = (value: unknown) => (value === undefined ? undefined : wordsOf(value));
  return members.flatMap((member) => {
    const [from, to] = [text(before[member]), text(after[member])];
    if (from === to) return [];
    return [{ what: member, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
  });
}

function wordsOf(value: unknown): string {
  if (!Array.isArray(value)) return canonicalJson(value);
  const items = value as unknown[];
  return items.every((item) => typeof item === 'string')
    ? [...items].sort().join(', ')
    : canonicalJson(items);
}

function missingSections(document: IdentityProvidersDocument, entries: readonly Entry[]) {
  return document.enabled_providers.filter(
    (name): name is Kind => name !== 'API_KEY' && !entries.some((entry) => entry.kind === name),
  );
}

const allRows = (reader: TenantReader) =>
  reader.db
    .select()
    .from(identityProviders)
    .where(eq(identityProviders.tenantId, reader.tenantId))
    .orderBy(identityProviders.createdAt, identityProviders.id);

function refuseProblems(problems: readonly { field: string; problem: string }[]): void {
  if (problems.length === 0) return;
  const words = problems.map(({ field, problem }) => `${field} ${problem}`).join(' ');
  throw new Fault('invalid_input', `The identity providers were not changed. ${words}`, {
    detail: { problems },
  });
}
