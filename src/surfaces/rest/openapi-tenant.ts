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
const answer = (schema: z.ZodType): Json => ({ description: 'The answer.', content: body(schema) });

/** The paths of an organisation's own settings, for API keys with the scope `admin`. */
export const TENANT_PATHS: Json = {
  '/v1/tenants/{tenantId}/identity-providers': {
    get: {
      operationId: 'showIdentityProviders',
      summary: 'Whose access tokens are taken (API key with `admin`)',
      security,
      parameters,
      responses: { 200: answer(StoredIdentityProviders), ...refusals },
    },
    put: {
      operationId: 'setIdentityProviders',
      summary: 'Replaces whose access tokens are taken (API key with `admin`)',
      description:
        'Every issuer is asked for its discovery document, which must name exactly that issuer, and for its keys. Then two IT admins must agree, and it waits (202), unless the organisation says that it has one administrator only. Without `API_KEY`, the REST API refuses API keys from then on, this endpoint too: an IT admin brings them back with the tool `provider_set`. SCIM keys and introspection go on working.',
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
      summary: 'Makes every check of an access token and says how each came out (API key with `admin`)',
      description: 'Issues and records nothing, and answers no part of the token.',
      security,
      parameters,
      requestBody: { required: true, content: body(TriedToken) },
      responses: { 200: answer(TokenTrialView), ...refusals },
    },
  },
  '/v1/tenants/{tenantId}/spiffe-bundles': {
    get: {
      operationId: 'listSpiffeBundles',
      summary: 'The SPIFFE trust domains whose workloads authenticate as agents (API key with `admin`)',
      security,
      parameters,
      responses: { 200: answer(SpiffeBundles), ...refusals },
    },
  },
  '/v1/tenants/{tenantId}/spiffe-bundles/{trustDomain}': {
    put: {
      operationId: 'setSpiffeBundle',
      summary: 'Sets the keys that vouch for the workloads of a trust domain (API key with `admin`)',
      description:
        'The body is the bundle as the SPIFFE server shows it, a JWK Set; keys with the use `jwt-svid` count. Then two IT admins must agree, and it waits (202), unless the organisation says that it has one administrator only. A bundle with the keys that stand already is answered at once. Where a key goes, the tokens of every agent of the trust domain die.',
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
      summary:
        'Takes a trust domain out: none of its workloads authenticates any more (API key with `admin`)',
      description:
        'Waits for two IT admins like the setting. With it the tokens of every agent of the trust domain die, and what these agents wait for is withdrawn.',
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
      summary: 'Every API key, without its secret (API key with `admin`)',
      security,
      parameters,
      responses: { 200: answer(z.object({ api_keys: z.array(ApiKeyView) })), ...refusals },
    },
    post: {
      operationId: 'createApiKey',
      summary: 'Makes an API key, and answers its secret once (API key with `admin`)',
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
        'Every public key that this organisation has signed with, retired ones too (API key with `admin`)',
      description:
        'For ledger checkpoints that an older key signed. Tokens are checked with the JWKS of the issuer alone.',
      security,
      parameters,
      responses: { 200: answer(SigningKeys), ...refusals },
    },
  },
  '/v1/tenants/{tenantId}/signing-keys/rotate': {
    post: {
      operationId: 'rotateSigningKey',
      summary: 'Makes a new key that this organisation signs tokens with (API key with `admin`)',
      description:
        'The new key is published at once, and signs from `active_from` on, when nobody can have an older copy of the JWKS. The keys before it are retired when the last token that they signed has ended. 409 while a key waits for its time already.',
      security,
      parameters: [...parameters, ONCE],
      responses: { 201: answer(RotatedSigningKey), ...refusals, 409: ref('Problem', 'responses') },
    },
  },
  '/v1/tenants/{tenantId}/api-keys/{id}': {
    delete: {
      operationId: 'revokeApiKey',
      summary: 'Revokes an API key: its next request is refused (API key with `admin`)',
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
