import { Fault } from '#lib/fault.ts';
import { describeAttribute } from './schema/attribute.ts';
import { SCHEMAS } from './schema/registry.ts';
import { CORE, ENTERPRISE, MANDAITOR } from './schema/user.ts';
import type { Resource } from './value.ts';

const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** What the service supports (RFC 7643 section 5), completely. */
export const serviceProviderConfig = (base: string): Resource => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 200 },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'API key',
      description:
        'Authorization: Bearer followed by the complete key, as shown when it was created (tnt_…:mk_…). It needs the scope scim.',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
});

/** The resource types (RFC 7643 section 6), or the one with this name. Throws Fault `not_found`. */
export function resourceTypes(base: string, name: string | null): Resource {
  const user = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: 'User',
    name: 'User',
    endpoint: '/Users',
    description: 'A person of the tenant',
    schema: CORE,
    schemaExtensions: [
      { schema: ENTERPRISE, required: false },
      { schema: MANDAITOR, required: false },
    ],
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/User` },
  };
  return oneOrAll([user], name);
}

/** The schemas (RFC 7643 section 7), or the one with this URN. Throws Fault `not_found`. */
export function schemas(base: string, id: string | null): Resource {
  const all = SCHEMAS.map((schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id: schema.id,
    name: schema.name,
    description: schema.description,
    attributes: schema.attributes.map(describeAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
  }));
  return oneOrAll(all, id);
}

function oneOrAll(all: readonly (Resource & { readonly id: string })[], id: string | null): Resource {
  if (id === null)
    return {
      schemas: [LIST_RESPONSE],
      totalResults: all.length,
      startIndex: 1,
      itemsPerPage: all.length,
      Resources: all,
    };
  const found = all.find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (found === undefined) throw new Fault('not_found', `There is no "${id.slice(0, 80)}".`);
  return found;
}
