import { z } from 'zod';
import { IdentityProvidersDocument, StoredIdentityProviders } from '#domain/tenant/identity-providers.ts';
import { SpiffeBundle } from '#domain/tenant/spiffe-bundles.ts';
import { ApiKeyView, CreatedApiKey, NewApiKey } from './api-keys.ts';
import { json, NOT_FOUND, ONCE, ref, REFUSALS, schemaOf, type Json } from './openapi-parts.ts';
import { RotatedSigningKey, SigningKeys } from './signing-keys.ts';
import { SetSpiffeBundle, SpiffeBundles } from './spiffe-bundles.ts';
import { TokenTrialView, TriedToken } from './identity-providers.ts';

const body = (schema: z.ZodType): Json => json(schemaOf(schema));
const refusals = { ...REFUSALS, ...NOT_FOUND };
const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string' } });
const parameters = [inPath('tenantId')];
const security = [{ api_key: [] }];
const answer = (schema: z.ZodType): Json => ({ description: 'The response.', content: body(schema) });

/** The paths of an organisation's own settings, for API keys with the scope `admin`. */
export const TENANT_PATHS: Json = {
  '/v1/tenants/{tenantId}/identity-providers': {
    get: {
      operationId: 'showIdentityProviders',
      summary: 'Returns the identity providers whose access tokens are accepted (API key with `admin`)',
      security,
      parameters,
      responses: { 200: answer(StoredIdentityProviders), ...refusals },
    },
    put: {
      operationId: 'setIdentityProviders',
      summary: 'Replaces the identity providers whose access tokens are accepted (API key with `admin`)',
      description:
        'Prokura fetches the discovery document of every issuer, which must name exactly that issuer, and its keys. Then two IT admins must approve, so the request waits (202), unless the organisation has only one administrator. Without `API_KEY`, the REST API rejects API keys from then on, including at this endpoint; an IT admin can allow them again with the tool `provider_set`. SCIM keys and introspection keep working.',
      security,
      parameters: [...parameters, ref('Wait', 'parameters'), ONCE],
      requestBody: { required: true, content: body(IdentityProvidersDocument) },
      responses: {
        200: answer(StoredIdentityProviders),
        202: ref('NotDoneYet', 'responses'),
        ...refusals,
        409: ref('Problem', 'responses'),
      },
    },
  },
  '/v1/tenants/{tenantId}/identity-providers/try': {
    post: {
      operationId: 'tryToken',
      summary: 'Checks an access token and returns the result of every check (API key with `admin`)',
      description: 'Issues and records nothing, and does not return any part of the token.',
      security,
      parameters,
      requestBody: { required: true, content: body(TriedToken) },
      responses: { 200: answer(TokenTrialView), ...refusals },
    },
  },
  '/v1/tenants/{tenantId}/spiffe-bundles': {
    get: {
      operationId: 'listSpiffeBundles',
      summary:
        'Lists the SPIFFE trust domains whose workloads can authenticate as agents (API key with `admin`)',
      security,
      parameters,
      responses: { 200: answer(SpiffeBundles), ...refusals },
    },
  },
  '/v1/tenants/{tenantId}/spiffe-bundles/{trustDomain}': {
    put: {
      operationId: 'setSpiffeBundle',
      summary: 'Sets the keys that verify workloads of a trust domain (API key with `admin`)',
      description:
        'Send the bundle of the SPIFFE server, a JWK Set; only keys with the use `jwt-svid` count. Then two IT admins must approve, so the request waits (202), unless the organisation has only one administrator. If the keys do not change, the response comes immediately. If a key is removed, the tokens of every agent of the trust domain stop working.',
      security,
      parameters: [...parameters, inPath('trustDomain'), ref('Wait', 'parameters'), ONCE],
      requestBody: { required: true, content: body(SpiffeBundle) },
      responses: {
        200: answer(SetSpiffeBundle),
        202: ref('NotDoneYet', 'responses'),
        ...refusals,
        409: ref('Problem', 'responses'),
      },
    },
    delete: {
      operationId: 'removeSpiffeBundle',
      summary: 'Removes a trust domain: its workloads can no longer authenticate (API key with `admin`)',
      description:
        'Waits for the approval of two IT admins. Then the tokens of every agent of the trust domain stop working, and their pending requests are withdrawn.',
      security,
      parameters: [...parameters, inPath('trustDomain'), ref('Wait', 'parameters'), ONCE],
      responses: {
        204: { description: 'Removed.' },
        202: ref('NotDoneYet', 'responses'),
        ...refusals,
        409: ref('Problem', 'responses'),
      },
    },
  },
  '/v1/tenants/{tenantId}/api-keys': {
    get: {
      operationId: 'listApiKeys',
      summary: 'Lists all API keys, without their secrets (API key with `admin`)',
      security,
      parameters,
      responses: { 200: answer(z.object({ api_keys: z.array(ApiKeyView) })), ...refusals },
    },
    post: {
      operationId: 'createApiKey',
      summary: 'Creates an API key and returns its secret once (API key with `admin`)',
      security,
      parameters: [...parameters, ONCE],
      requestBody: { required: true, content: body(NewApiKey) },
      responses: { 201: answer(CreatedApiKey), ...refusals, 409: ref('Problem', 'responses') },
    },
  },
  '/v1/tenants/{tenantId}/signing-keys': {
    get: {
      operationId: 'listSigningKeys',
      summary:
        'Lists every public key that this organisation has signed with, including retired ones (API key with `admin`)',
      description:
        'Use it to verify ledger checkpoints that an older key signed. To verify tokens, use the JWKS of the issuer.',
      security,
      parameters,
      responses: { 200: answer(SigningKeys), ...refusals },
    },
  },
  '/v1/tenants/{tenantId}/signing-keys/rotate': {
    post: {
      operationId: 'rotateSigningKey',
      summary: 'Creates a new key for signing tokens of this organisation (API key with `admin`)',
      description:
        'The new key is published immediately and signs from `active_from` on, when every cached copy of the JWKS has expired. Older keys are retired when the last token they signed has expired. Returns 409 while a new key has not become active yet.',
      security,
      parameters: [...parameters, ONCE],
      responses: { 201: answer(RotatedSigningKey), ...refusals, 409: ref('Problem', 'responses') },
    },
  },
  '/v1/tenants/{tenantId}/api-keys/{id}': {
    delete: {
      operationId: 'revokeApiKey',
      summary: 'Revokes an API key: its next request is rejected (API key with `admin`)',
      security,
      parameters: [...parameters, inPath('id'), ONCE],
      responses: {
        204: { description: 'Revoked.' },
        ...refusals,
        409: ref('Problem', 'responses'),
      },
    },
  },
};
