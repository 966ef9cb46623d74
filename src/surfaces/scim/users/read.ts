import { sourcesOf } from '#domain/tenant/linked-sources.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { browse } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { scimFault } from '../faults.ts';
import { compileFilter } from '../filter/compile.ts';
import { parseFilter } from '../filter/parse.ts';
import { projectionOf } from '../projection.ts';
import { hasVersion, scimResponse, type ScimRequest } from '../request.ts';
import { hotUser, listUsers } from '../store.ts';
import { resourceOf, versionOf } from './resource.ts';

const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const PAGE = { default: 100, max: 200 } as const;

// The form of our ids. Nothing else can match.
const ID_SHAPE = /^[\w-]{1,64}$/;

/**
 * GET /Users/{id} (RFC 7644 section 3.4.1), including inactive users, from the key's own sources. 304 if the
 * client has this version. Throws Fault `not_found`.
 */
export async function getUser(asked: ScimRequest, id: string): Promise<Response> {
  const { app, key, source } = asked;
  const row = ID_SHAPE.test(id) ? await hotUser(app.database.sql, key.tenantId, id, source) : null;
  if (row === null) throw noUser(id);
  const version = versionOf(row);
  if (hasVersion(asked.request, version))
    return new Response(null, { status: 304, headers: { etag: version } });
  const resource = resourceOf(row, asked.base);
  const shown = asked.query.size === 0 ? null : projectionOf(asked.query);
  return scimResponse(200, shown === null ? resource : shown(resource), { etag: version });
}

/**
 * GET /Users (RFC 7644 section 3.4.2) with filter, startIndex and count (by default 100, at most 200), in a
 * stable order. Throws Fault `invalidFilter` and `invalidValue`.
 */
export async function getUsers(asked: ScimRequest): Promise<Response> {
  const filter = asked.query.get('filter');
  const where = filter === null || filter.trim() === '' ? undefined : compileFilter(parseFilter(filter));
  const startIndex = Math.max(1, whole(asked.query, 'startIndex') ?? 1);
  const limit = Math.min(PAGE.max, Math.max(0, whole(asked.query, 'count') ?? PAGE.default));
  const { app, key, request } = asked;
  const { total, rows } = await browse(app, key.tenantId, request.signal, async (reader) => {
    const sources = sourcesOf((await theTenant(reader)).settings, asked.source);
    return listUsers(reader, sources, where, { offset: startIndex - 1, limit });
  });
  const shown = projectionOf(asked.query);
  const resources = rows
    .map((row) => resourceOf(row, asked.base))
    .map((one) => (shown === null ? one : shown(one)));
  return scimResponse(200, {
    schemas: [LIST_RESPONSE],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  });
}

/** The Fault for an id that no user of the key's sources has: the only miss that becomes 404. */
export const noUser = (id: string): Fault =>
  new Fault('not_found', `No user has the id "${id.slice(0, 80)}".`);

function whole(query: URLSearchParams, name: string): number | null {
  const given = query.get(name);
  if (given === null || given === '') return null;
  const number = Number(given);
  if (!Number.isSafeInteger(number)) throw scimFault('invalidValue', `"${name}" must be a whole number.`);
  return Math.min(number, 2_000_000_000);
}
