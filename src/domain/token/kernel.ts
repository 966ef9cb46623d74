import { Fault } from '#lib/fault.ts';
import { createGuardedFetch } from '#lib/guarded-fetch.ts';
import { createRemoteKeys } from '#lib/jwks.ts';
import { findAgent } from '../agent/store.ts';
import { assertionReplayed, refuseClient } from './client/client-assertion.ts';
import { createClientAuthenticator, type AuthenticatedClient } from './client/client-authenticator.ts';
import type { ClientCredentials } from './client/client-request.ts';
import {
  checkClientStanding,
  createPersonReader,
  partsOfSubject,
  type AskedPerson,
  type HotPerson,
  type VerifiedClient,
} from './issued/client-token.ts';
import {
  checkClaims,
  checkStanding,
  createSignatureCheck,
  tokensBehind,
  type VerifiedDelegation,
} from './issued/delegation-token.ts';
import {
  boundKey,
  checkPossession,
  proofReplayed,
  type PresentedRequest,
  type Proof,
} from './client/dpop.ts';
import { createExchange, type ExchangeResponse } from './exchange/exchange.ts';
import type { ExchangeRequest } from './grant/exchange-request.ts';
import { createMandateReader } from './grant/hot-mandate.ts';
import { introspection, type IntrospectionCaller } from './issued/introspection.ts';
import { createLogoutReceiver, type LogoutReceiver } from './logout/logout.ts';
import { reach } from '#db/reach.ts';
import type { KernelParts } from './parts.ts';
import { audiencesOfKey } from './grant/resource.ts';
import { configuredProviders, type Configured } from './subject/providers/configured.ts';
import type { TokenTrial } from './subject/providers/explain.ts';
import { createStrangerCount } from './exchange/refusal.ts';
import { revokeToken } from './issued/revoke-token.ts';
import { createSigningKeys, type PublishedKey, type Signer } from './keys/signing-keys.ts';
import { spend } from './store.ts';
import { createTenantLookup } from './tenant-lookup.ts';
import { createStatusLists, type StatusListPublisher } from './status-list.ts';
import { createPresentationCheck } from './subject/subject.ts';
import { createSubjectLimit } from './subject/subject-limit.ts';
import { proveSubject, type ProvedSubject } from './subject/subject-token.ts';
import { createSubjectCheck, type VerifiedSubject } from './subject/verified-subject.ts';

export type { VerifiedDelegation } from './issued/delegation-token.ts';
export type { HotPerson, VerifiedClient } from './issued/client-token.ts';

/** What one of our tokens stands for: an agent under a mandate, or a person's own client. */
export type VerifiedToken = VerifiedDelegation | VerifiedClient;

/**
 * Issues and checks tokens. No decision is cached, only parsed keys and valid signatures. Standing is read
 * again for every request, after the request arrived (law 4). If the database or the identity provider's keys
 * cannot be reached, the answer is Fault `unavailable` and never an allow.
 */
export interface TokenKernel {
  /**
   * Exchanges a token (RFC 8693), an ID-JAG (RFC 7523 section 2.1) or a mandate for a delegation token.
   * Throws OAuthError. The ledger records every refusal, and every token before it is handed out.
   */
  exchange(
    tenantId: string,
    request: ExchangeRequest,
    /**
     * The request as received. With a DPoP proof, the token is bound to the proof's key (RFC 9449 section 5).
     */
    came?: PresentedRequest | null,
  ): Promise<ExchangeResponse>;
  /**
   * Counts a refused request of a client that did not authenticate (`StrangerCount`). Does nothing if there
   * is no such tenant. `reason` comes from a closed set of codes.
   */
  refused(tenantId: string, error: { readonly error: string; readonly reason: string }): Promise<void>;
  /**
   * Checks one of our tokens for one of our audiences. Throws Fault `unauthenticated` with `detail.reason`;
   * the message says what to do. Does not check scopes.
   */
  verify(
    token: string,
    audience: string,
    /**
     * The request that the token came with. A bound token needs a proof for that request, and the proof is
     * spent (RFC 9449 section 7.1). Without a request, a bound token is refused. `relayed`: the caller
     * received the token from someone else and has checked the binding itself.
     */
    came?: PresentedRequest | 'relayed' | null,
  ): Promise<VerifiedToken>;
  /**
   * Checks a provider's access token and finds its person. If the provider bound it to a key, it needs a
   * proof for the request that it came with, and the proof is spent. Throws Fault `unauthenticated`. Does not
   * check scopes: the caller does.
   */
  verifySubject(tenantId: string, token: string, came?: PresentedRequest | null): Promise<VerifiedSubject>;
  /**
   * Makes every check of `verifySubject` and reports how each came out, for an administrator who sets up a
   * provider. Issues and records nothing.
   */
  tryToken(tenantId: string, token: string): Promise<TokenTrial>;
  /**
   * Authenticates an agent, checks that its credentials are valid now, and spends its assertion if it sent
   * one. Throws OAuthError `invalid_client`.
   */
  authenticateClient(tenantId: string, credentials: ClientCredentials): Promise<{ readonly agentId: string }>;
  /**
   * Introspection (RFC 7662): the members of the answer. `{active: false}` alone unless this is a live token
   * that the caller may see.
   */
  introspect(tenantId: string, token: string, caller: IntrospectionCaller): Promise<Record<string, unknown>>;
  /**
   * Revocation (RFC 7009): revokes one token of the authenticated client and every token made from it. Throws
   * OAuthError.
   */
  revoke(tenantId: string, token: string, credentials: ClientCredentials): Promise<void>;
  /** The public keys that verify the tenant's tokens (RFC 7517). */
  jwks(tenantId: string): Promise<{ readonly keys: PublishedKey[] }>;
  /** Receives what the tenant's Okta says about its people's sessions. */
  readonly logout: LogoutReceiver;
  /** The tenant's Token Status Lists. */
  readonly statusLists: Pick<StatusListPublisher, 'list' | 'addresses'>;
  /** The key that the tenant signs with now. */
  signer(tenantId: string): Signer | Promise<Signer>;
  /** A person and their standing, read now; null if the tenant has no such subject. */
  person(tenantId: string, asked: AskedPerson): Promise<HotPerson | null>;
  /** The tenant of an agent, or the tenant itself; null if it does not exist. */
  tenantOf(kind: 'agent' | 'tenant', id: string): string | null | Promise<string | null>;
  /** Forgets every parsed key and signature. */
  flushCaches(): void;
  /** Writes the counted refusals that are not written yet. */
  close(): Promise<void>;
}

/** Creates the token kernel of a server: one for all tenants. */
export function createTokenKernel(parts: KernelParts): TokenKernel {
  const loopback = parts.loopbackKeys === true;
  const guarded = createGuardedFetch({ loopback });
  const ofIssuers = createGuardedFetch({ loopback, trusted: parts.operatorIssuers ?? [] });
  const remoteKeys = createRemoteKeys({ ...parts, fetch: parts.fetch ?? ofIssuers });
  const signingKeys = createSigningKeys(parts);
  const clients = createClientAuthenticator(parts, createRemoteKeys({ ...parts, fetch: guarded }));
  const statusLists = createStatusLists(parts, signingKeys);
  const signatures = createSignatureCheck(parts.baseUrl, signingKeys);
  const readMandate = createMandateReader(parts.sql);
  const readPerson = createPersonReader(parts.sql);
  const providers = configuredProviders(parts.sql);
  const { record } = parts;
  const strangers = createStrangerCount(parts);
  const tenants = createTenantLookup(parts);

  const prove = (token: string, { list }: Configured): Promise<ProvedSubject> =>
    proveSubject(token, list, remoteKeys, parts.now().getTime() / 1000);

  async function verifyFor(token: string, audiences: readonly string[] | null) {
    const signed = await signatures.check(token);
    checkClaims(signed.claims, audiences, parts.now());
    if (signed.kind === 'client') {
      const { claims } = signed;
      const who = partsOfSubject(claims.sub);
      const asked = who === null ? null : { ...who, grantId: claims.grant_id, jti: claims.jti };
      const row = asked === null ? null : await readPerson(signed.tenantId, asked);
      return { claims, verified: checkClientStanding(signed.tenantId, claims, row) };
    }
    const { mandate_id: mandateId } = signed.claims;
    const row = await readMandate(signed.tenantId, mandateId, tokensBehind(signed.claims));
    return { claims: signed.claims, verified: checkStanding(parts.baseUrl, signed, row, parts.now()) };
  }

  /**
   * Requires an agent's token. A token of a person's own client is only for calling tools: it cannot be
   * exchanged or revoked here.
   */
  async function checkDelegation(token: string) {
    const signed = await signatures.check(token);
    if (signed.kind === 'delegation') return signed;
    throw new Fault('unauthenticated', "A token of a person's own client cannot be delegated.", {
      detail: { reason: 'type' },
    });
  }
  const present = createPresentationCheck({
    parts,
    remoteKeys,
    providers,
    prove,
    checkSignature: checkDelegation,
  });
  async function useProof(tenantId: string, { once }: Proof): Promise<void> {
    if (await reach(parts.write(tenantId, (ctx) => spend(ctx, once.key, once.expiresAt)))) return;
    throw proofReplayed();
  }
  const subjects = createSubjectCheck({ parts, remoteKeys, providers, prove, useProof });
  const exchange = createExchange({
    parts,
    tenants,
    record,
    strangers,
    clients,
    present,
    providers,
    readMandate,
    signingKeys,
    limit:
      parts.exchangesPerMinute === undefined
        ? () => {}
        : createSubjectLimit(parts.exchangesPerMinute, parts.now),
    useProof,
  });

  /** The strict read that completes authentication where no mandate is read anyway. */
  async function requireStanding(tenantId: string, client: AuthenticatedClient, epochNow: number) {
    if (await clients.stillHolds(tenantId, client, epochNow)) return;
    throw refuseClient(
      'client_key_revoked',
      'The credential that this client authenticated with was revoked.',
    );
  }

  return {
    exchange,
    refused: async (tenantId, error) => {
      if ((await tenants('tenant', tenantId)) !== null) await strangers.add(tenantId, error);
    },
    verify: async (token, audience, came = null) => {
      const { claims, verified } = await verifyFor(token, [audience]);
      if (came === 'relayed') return verified;
      const proof = checkPossession(token, boundKey(claims), came, parts.now().getTime() / 1000);
      if (proof !== null) await useProof(verified.tenantId, proof);
      return verified;
    },
    verifySubject: (tenantId, token, came) => subjects.verify(tenantId, token, came),
    tryToken: (tenantId, token) => subjects.tryToken(tenantId, token),
    authenticateClient: async (tenantId, credentials) => {
      const client = await clients.authenticate(tenantId, credentials);
      await requireStanding(tenantId, client, await spendAssertion(parts, tenantId, client));
      return { agentId: client.agentId };
    },
    introspect: async (tenantId, token, caller) =>
      introspection(tenantId, caller, () =>
        verifyFor(
          token,
          caller.kind === 'agent' ? null : audiencesOfKey(parts.baseUrl, tenantId, caller.resource),
        ),
      ),
    revoke: async (tenantId, token, credentials) => {
      const client = await clients.authenticate(tenantId, credentials);
      const agent = await reach(parts.read(tenantId, (ctx) => findAgent(ctx, client.agentId)));
      await requireStanding(tenantId, client, agent?.epoch ?? -1);
      await revokeToken(parts, tenantId, client, () => checkDelegation(token));
    },
    jwks: async (tenantId) => ({ keys: await signingKeys.published(tenantId) }),
    statusLists,
    logout: createLogoutReceiver(parts, remoteKeys),
    signer: (tenantId) => signingKeys.signer(tenantId),
    person: readPerson,
    tenantOf: tenants,
    flushCaches: () => {
      remoteKeys.flush();
      signingKeys.flush();
      clients.flush();
      signatures.flush();
      statusLists.flush();
      providers.flush();
    },
    close: () => strangers.flush(),
  };
}

/** Spends the assertion, if there is one, and returns the agent's epoch. */
async function spendAssertion(
  parts: KernelParts,
  tenantId: string,
  { agentId, once }: AuthenticatedClient,
): Promise<number> {
  const [fresh, agent] = await reach(
    parts.write(
      tenantId,
      async (ctx) =>
        [
          once === null || (await spend(ctx, once.key, once.expiresAt)),
          await findAgent(ctx, agentId),
        ] as const,
    ),
  );
  if (!fresh) throw assertionReplayed();
  return agent?.epoch ?? -1;
}
