/**
 * `prokura/client`: the package for developers of agents and of resource servers. It needs only fetch
 * and WebCrypto.
 */
export { createClient, type ClientOptions, type Introspection, type ProkuraClient } from './client.ts';
export type { ClientCredentials } from './credentials.ts';
export type { DpopKeyPair } from './dpop.ts';
export { ProkuraError } from './errors.ts';
export type { ExchangeRequest } from './exchange-request.ts';
export type { DelegationToken } from './token-response.ts';
export { scopeList, type Actor, type DelegationClaims } from './claims.ts';
export type { Fetch } from './http.ts';
export type { CryptoKey, Jwk } from './keys.ts';
export type { ServerMetadata } from './metadata.ts';
export { mcpTransportFetch } from './mcp.ts';
export { verifyDelegation, type Presented, type VerifierOptions } from './verify-delegation.ts';
export type { PresentedProof } from './verify-proof.ts';
export { introspectWithKey } from './introspect-with-key.ts';
