import { canonicalJson } from '#lib/json.ts';
import type { TenantWriter } from '#domain/context.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { provisionPerson, removePerson, updatePerson } from '#domain/person/provision.ts';
import type { Provisioner } from '#domain/person/provisioner.ts';
import { otherSource } from '#domain/person/sources.ts';
import { findPersonByScimId, type Person } from '#domain/person/store.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { readJson } from '../body.ts';
import { scimFault } from '../faults.ts';
import { projectionOf } from '../projection.ts';
import { provisionerOf, requireVersion, scimResponse, type ScimRequest } from '../request.ts';
import { MANDAITOR } from '../schema/user.ts';
import { isObject, type Resource } from '../value.ts';
import { readUser } from './input.ts';
import { readOperations } from './operations.ts';
import { applyPatch } from './patch.ts';
import { noUser } from './read.ts';
import { recordOf, resourceOf, versionOf, type UserRow } from './resource.ts';

/**
 * POST /Users (RFC 7644 section 3.3): 201 with Location, also if it adopts a person of the directory or
 * restores an inactive user.
 */
export async function postUser(asked: ScimRequest): Promise<Response> {
  const user = readUser(await readJson(asked.request));
  const subject = subjectOf(user, asked.source);
  const row = await writing(asked, async (ctx, by) => {
    const person = await provisionPerson(ctx, by, {
      record: recordOf(user, null),
      active: user['active'] !== false,
      ...subject,
    });
    return withAuthority(ctx, person);
  });
  return answer(asked, 201, row);
}

/**
 * PUT /Users/{id} (RFC 7644 section 3.5.1). Absent attributes are cleared, except `active` (an incomplete PUT
 * must not reactivate anybody), `externalId` and the subject. For a linked source everything except `active`
 * is read-only and ignored.
 */
export async function putUser(asked: ScimRequest, id: string): Promise<Response> {
  const user = readUser(await readJson(asked.request));
  return changeUser(asked, id, (before, own) => {
    refuseOtherSubject(user, before);
    if (!own) return { ...before, active: user['active'] ?? before['active'] };
    return { ...kept(before), ...user, [MANDAITOR]: before[MANDAITOR] };
  });
}

/**
 * PATCH /Users/{id} (RFC 7644 section 3.5.2): 200 with the user. For a linked source everything except
 * `active` is read-only: Fault `mutability`, unless the request deactivates.
 */
export async function patchUser(asked: ScimRequest, id: string): Promise<Response> {
  const operations = readOperations(await readJson(asked.request));
  return changeUser(asked, id, (before, own, person) => {
    const after = applyPatch(before, operations);
    if (own) return after;
    const profile = changedAttributes(before, stored(after)).filter((name) => name !== 'active');
    // A deactivation must not fail because of what came with it.
    if (profile.length > 0 && after['active'] !== false)
      throw scimFault(
        'mutability',
        `A SCIM key of ${asked.source} can only change "active" of this user. Their own source controls everything else: ${profile.join(', ')}.`,
        { detail: { other_source: person.provider, person: person.id } },
      );
    return { ...before, active: after['active'] };
  });
}

/**
 * DELETE /Users/{id} (RFC 7644 section 3.6): 204. Always revokes. SCIM no longer shows the user afterwards.
 */
export async function deleteUser(asked: ScimRequest, id: string): Promise<Response> {
  await writing(asked, async (ctx, by) => {
    const person = await locked(ctx, by, asked, id);
    await removePerson(ctx, by, person);
  });
  return new Response(null, { status: 204 });
}

/**
 * Reads under a lock, changes and saves in one transaction, so concurrent changes queue up and none is lost.
 * Without a change there is no new version.
 */
async function changeUser(
  asked: ScimRequest,
  id: string,
  change: (before: Resource, own: boolean, person: Person) => Resource,
): Promise<Response> {
  const row = await writing(asked, async (ctx, by) => {
    const person = await locked(ctx, by, asked, id);
    const held = await withAuthority(ctx, person);
    const before = stored(resourceOf(held, asked.base));
    const after = stored(change(before, person.provider === by.source, person));
    const attributes = changedAttributes(before, after);
    if (attributes.length === 0) return held;
    const saved = await updatePerson(ctx, by, person, {
      record: recordOf(after, before),
      active: after['active'] === true,
      attributes,
    });
    return { ...saved, authority: held.authority };
  });
  return answer(asked, 200, row);
}

/**
 * Runs a transaction that writes for the request's key. A refusal because the user belongs to another source
 * is recorded in the ledger before the client is told.
 */
async function writing<T>(
  asked: ScimRequest,
  work: (ctx: TenantWriter, by: Provisioner) => Promise<T>,
): Promise<T> {
  const { app, key } = asked;
  try {
    return await transact(app, key.tenantId, async (ctx) =>
      work(ctx, provisionerOf(asked, (await theTenant(ctx)).settings)),
    );
  } catch (error) {
    if (error instanceof Fault && error.detail['other_source'] !== undefined)
      await transact(app, key.tenantId, async (ctx) =>
        ctx.record({
          event: 'provisioning_refused',
          actor: `${asked.source}:scim`,
          data: {
            key_id: key.id,
            method: asked.request.method,
            code: error.code,
            source: error.detail['other_source'],
            person: error.detail['person'],
          },
        }),
      );
    throw error;
  }
}

/**
 * Locks the person with a SCIM id if the key may write them. Throws Fault `not_found` also for another
 * source's person.
 */
async function locked(ctx: TenantWriter, by: Provisioner, asked: ScimRequest, id: string): Promise<Person> {
  const person = id.includes('\0') ? null : await findPersonByScimId(ctx, id, 'update');
  if (person === null) throw noUser(id);
  if (!by.sources.includes(person.provider))
    throw otherSource('not_found', noUser(id).message, { provider: person.provider, person: person.id });
  requireVersion(asked.request, versionOf(person));
  return person;
}

async function withAuthority(ctx: TenantWriter, person: Person): Promise<UserRow> {
  return { ...person, authority: (await authorityOf(ctx, person.id)).scopes };
}

function answer(asked: ScimRequest, status: number, row: UserRow): Response {
  const resource = resourceOf(row, asked.base);
  const shown = projectionOf(asked.query);
  return scimResponse(status, shown === null ? resource : shown(resource), {
    etag: versionOf(row),
    location: `${asked.base}/Users/${row.scimId}`,
  });
}

/** The resource as JSON stores it: without undefined members, and a copy. */
const stored = (resource: Resource): Resource => JSON.parse(JSON.stringify(resource)) as Resource;

function changedAttributes(before: Resource, after: Resource): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.filter((name) => canonicalJson(before[name] ?? {}) !== canonicalJson(after[name] ?? {}));
}

/** The attributes that a PUT cannot clear. */
function kept(before: Resource): Resource {
  const { schemas, id, meta, externalId, active } = before;
  return { schemas, id, meta, active, ...(externalId === undefined ? {} : { externalId }) };
}

const delegation = (user: Resource): Resource => (isObject(user[MANDAITOR]) ? user[MANDAITOR] : {});

function refuseOtherSubject(user: Resource, before: Resource): void {
  const [asked, held] = [delegation(user), delegation(before)];
  const provider = asked['identityProvider'];
  const other = typeof provider === 'string' && provider.toUpperCase() !== held['identityProvider'];
  if (other || (asked['providerUid'] !== undefined && asked['providerUid'] !== held['providerUid'])) {
    throw scimFault(
      'mutability',
      '"identityProvider" and "providerUid" identify the user and cannot be changed. Delete the user and create a new one.',
    );
  }
}

/** The user's subject: what the client states, or else the connection's provider and `externalId`. */
function subjectOf(
  user: Resource,
  source: string,
): { provider: string; uid: string | null; uidStated: boolean; externalId: string | null } {
  const stated = delegation(user);
  const provider =
    typeof stated['identityProvider'] === 'string' ? stated['identityProvider'].toLowerCase() : source;
  if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(provider))
    throw scimFault('invalidValue', '"identityProvider" must be a name such as OKTA or ENTRA.');
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  const externalId = text(user['externalId']);
  const providerUid = text(stated['providerUid']);
  return { provider, uid: providerUid ?? externalId, uidStated: providerUid !== null, externalId };
}
