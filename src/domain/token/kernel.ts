import { Fault } from '#lib/fault.ts';
import { createGuardedFetch } from '#lib/guarded-fetch.ts';
import { createRemoteKeys } from '#lib/jwks.ts';
import { findPersonByUid } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { theTenant } from '../tenant/store.ts';
import { findAgent } from '../agent/store.ts';
import { assertionReplayed, refuseClient } from './client-assertion.ts';
import { createClientAuthenticator, type AuthenticatedClient } from './client-authenticator.ts';
import type { ClientCredentials } from './client-request.ts';
import {
  checkClientStanding,
  createPersonReader,
  partsOfSubject,
  type AskedPerson,
  type HotPerson,
  type VerifiedClient,
} from './client-token.ts';
import {
  checkClaims,
  checkStanding,
  createSignatureCheck,
  tokensBehind,
  type VerifiedDelegation,
} from './delegation-token.ts';
import { boundKey, checkPossession, proofReplayed, type PresentedRequest, type Proof } from './dpop.ts';
import { createExchange, type ExchangeResponse } from './exchange.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import { createMandateReader } from './hot-mandate.ts';
import { introspection, type IntrospectionCaller } from './introspection.ts';
import { fromBefore, isFromBefore } from './logged-out.ts';
import { createLogoutReceiver, type LogoutReceiver } from './logout.ts';
import { reach } from '#db/reach.ts';
import type { KernelParts } from './parts.ts';
import { audiencesOfKey } from './resource.ts';
import { configuredProviders, type Configured } from './providers/configured.ts';
import { tryToken, type TokenTrial } from './providers/explain.ts';
import { createStrangerCount } from './refusal.ts';
import { revokeToken } from './revoke-token.ts';
import { createSigningKeys, type PublishedKey, type Signer } from './signing-keys.ts';
import { spend } from './store.ts';
import { createTenantLookup } from './tenant-lookup.ts';
import { createStatusLists, type StatusListPublisher } from './status-list.ts';
import { createPresentationCheck } from './subject.ts';
import { createSubjectLimit } from './subject-limit.ts';
import { proveSubject, type ProvedSubject } from './subject-token.ts';

export type { VerifiedDelegation } from './delegation-token.ts';
export type { HotPerson, VerifiedClient } from './client-token.ts';

/** What a token of ours stands for: an agent under a mandate, or a person's own client. */
export type VerifiedToken = VerifiedDelegation | VerifiedClient;

/** A person who presented an access token of their provider, with a good standing now. */
interface VerifiedSubject extends ProvedSubject {
  readonly personId: string;
}

/**
 * Issues and checks tokens. Nothing here keeps an answer to "may it": only parsed keys and signatures that held are kept, and
 * standing is read for every question, after it was asked (law 4). Fault `unavailable` where the database or the keys of the
 * identity provider cannot be had: never an allow.
 */
export interface TokenKernel {
  /** RFC 8693, and RFC 7523 section 2.1 with an ID-JAG. Throws OAuthError; every refusal, and every token before it is handed out, stands in the ledger. */
  exchange(
    tenantId: string,
    request: ExchangeRequest,
    /** The request as it came: with a DPoP proof the token is bound to its key (RFC 9449 section 5). */
    came?: PresentedRequest | null,
  ): Promise<ExchangeResponse>;
  /** Counts a refused request of somebody who did not authenticate, where there is such a tenant (`StrangerCount`). `reason` is one of a closed set of codes. */
  refused(tenantId: string, error: { readonly error: string; readonly reason: string }): Promise<void>;
  /** Checks a token of ours for one of our audiences. Fault `unauthenticated` with `detail.reason`; its message says what to do. */
  verify(
    token: string,
    audience: string,
    /**
     * The request that the token came with: a bound token needs a proof for it, which is used up (RFC 9449 section 7.1). Without one a bound token is
     * refused; `relayed`: whoever asks was given the token, and has checked that itself.
     */
    came?: PresentedRequest | 'relayed' | null,
  ): Promise<VerifiedToken>;
  /**
   * Checks a provider's access token and finds its person (D3). One that the provider bound to a key needs a proof for the request that it came with,
   * which is used up. Fault `unauthenticated`. Looks at no scope: that is the caller's (D4).
   */
  verifySubject(tenantId: string, token: string, came?: PresentedRequest | null): Promise<VerifiedSubject>;
  /** Makes every check of `verifySubject` and says how each came out, for an administrator who sets up a provider. Issues and records nothing. */
  tryToken(tenantId: string, token: string): Promise<TokenTrial>;
  /** Authenticates an agent, makes sure that its credentials stand now, and spends its assertion where it has one. Throws OAuthError `invalid_client`. */
  authenticateClient(tenantId: string, credentials: ClientCredentials): Promise<{ readonly agentId: string }>;
  /** RFC 7662: the members of the answer. `{active: false}` alone for whatever is not a live token that this caller may see. */
  introspect(tenantId: string, token: string, caller: IntrospectionCaller): Promise<Record<string, unknown>>;
  /** RFC 7009: revokes one token of the authenticated client, and what was made from it. Throws OAuthError. */
  revoke(tenantId: string, token: string, credentials: ClientCredentials): Promise<void>;
  jwks(tenantId: string): Promise<{ readonly keys: PublishedKey[] }>;
  /** What the tenant's Okta says about its people's sessions. */
  readonly logout: LogoutReceiver;
  readonly statusLists: Pick<StatusListPublisher, 'list' | 'addresses'>;
  /** The key that the tenant signs with now. */
  signer(tenantId: string): Signer | Promise<Signer>;
  /** A person and their standing, read now; null where there is nobody of that subject. */
  person(tenantId: string, asked: AskedPerson): Promise<HotPerson | null>;
  /** The tenant of an agent, or the tenant itself where it exists; null where there is none. */
  tenantOf(kind: 'agent' | 'tenant', id: string): string | null | Promise<string | null>;
  /** Forgets every parsed key and signature. */
  flushCaches(): void;
  /** Writes the refusals that are counted and not yet written. */
  close(): Promise<void>;
}

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

  /** An agent's token: what a person's own client holds is good for tools, and nothing is made from it or asked of it here. */
  async function checkDelegation(token: string) {
    const signed = await signatures.check(token);
    if (signed.kind === 'delegation') return signed;
    throw new Fault('unauthenticated', "The token of a person's own client cannot be handed on.", {
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

  /** What a strict read adds to authentication where no mandate is read anyway. */
  async function requireStanding(tenantId: string, client: AuthenticatedClient, epochNow: number) {
    if (await clients.stillHolds(tenantId, client, epochNow)) return;
    throw refuseClient('client_key_revoked', 'What this client authenticated with was revoked.');
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
    verifySubject: async (tenantId, token, came = null) => {
      const proved = await prove(token, await providers.now(tenantId));
      const proof = checkPossession(token, proved.boundTo, came, parts.now().getTime() / 1000);
      if (proof !== null) await useProof(tenantId, proof);
      const [tenant, person] = await reach(
        parts.read(
          tenantId,
          async (ctx) =>
            [await theTenant(ctx), await findPersonByUid(ctx, proved.provider, proved.uid)] as const,
        ),
      );
      if (tenant.status !== 'active') {
        throw new Fault('unauthenticated', 'This organisation is frozen. Its administrators can lift that.', {
          detail: { reason: 'tenant_frozen' },
        });
      }
      if (person === null) {
        throw new Fault(
          'unauthenticated',
          'The person of this token is not in the directory. An administrator can import them.',
          {
            detail: { reason: 'person_unknown' },
          },
        );
      }
      const why = standingOf(person);
      if (why !== null) throw new Fault('unauthenticated', why.message, { detail: { reason: why.code } });
      if (isFromBefore(proved.issuedAt, person.tokensNotBefore)) throw fromBefore();
      return { ...proved, personId: person.id };
    },
    tryToken: async (tenantId, token) =>
      tryToken(token, {
        configured: (await providers.now(tenantId)).list,
        keys: remoteKeys,
        now: parts.now().getTime() / 1000,
        lookUp: (provider, uid, issuedAt) =>
          reach(
            parts.read(tenantId, async (ctx) => {
              const person = await findPersonByUid(ctx, provider, uid);
              if (person === null) return null;
              const { status } = await theTenant(ctx);
              const frozen = status === 'active' ? null : 'This organisation is frozen.';
              const before = isFromBefore(issuedAt, person.tokensNotBefore) ? fromBefore().message : null;
              return { id: person.id, refusal: frozen ?? standingOf(person)?.message ?? before };
            }),
          ),
      }),
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

/** Spends the assertion, if there is one, and answers the agent's epoch. */
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
