import type { RemoteKeys } from '#lib/jwks.ts';
import { reach } from '#db/reach.ts';
import type { AuthenticatedClient } from '../client/client-authenticator.ts';
import type { SignedToken } from '../issued/delegation-token.ts';
import type { ExchangeRequest } from '../grant/exchange-request.ts';
import type { Subject } from '../grant/grant.ts';
import { proveAssertion } from './identity-assertion.ts';
import { issuerOf } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';
import type { KernelParts } from '../parts.ts';
import type { Configured, ConfiguredProviders } from './providers/configured.ts';
import { assertionIssuersOf, mandatesBetween } from '../store.ts';
import { isOurs, presentDelegation } from './delegation-subject.ts';
import { asRefusal, refuseSubject, type Presentation } from './presentation.ts';
import type { ProvedSubject } from './subject-token.ts';

interface SubjectParts {
  readonly parts: Pick<KernelParts, 'baseUrl' | 'now' | 'read'>;
  readonly remoteKeys: RemoteKeys;
  readonly providers: ConfiguredProviders;
  readonly prove: (token: string, trusted: Configured) => Promise<ProvedSubject>;
  readonly checkSignature: (token: string) => Promise<SignedToken>;
}

/**
 * Checks what the client presents as the principal's authorization. All cheap checks come before the
 * signature. A provider's token is checked against `trusted`; without it, against the providers as they were
 * last read. Then the caller must compare `trusting` with a strict read. Throws OAuthError, and Fault
 * `unavailable`.
 */
export type PresentationCheck = (
  tenantId: string,
  request: ExchangeRequest,
  client: AuthenticatedClient,
  /** Thumbprint of the key that the request proves, or null. */
  provedKey: string | null,
  trusted?: Configured,
) => Promise<Presentation>;

/**
 * The scopes of which the employee's provider token must carry one to be exchanged. Agents get tokens with
 * the first, which allows the exchange only. The second also allows giving mandates.
 */
const EXCHANGE_SCOPES = ['delegation:exchange', 'delegation:create'] as const;
const MAX_CANDIDATES = 10;

/** Creates the check of subjects. */
export function createPresentationCheck(kernel: SubjectParts): PresentationCheck {
  const { parts } = kernel;
  const delegation = { ...parts, checkSignature: kernel.checkSignature };
  return async (tenantId, request, client, provedKey, trusted) => {
    const { subject } = request;
    if (subject.kind === 'assertion')
      return presentAssertion(tenantId, request, subject.token, client, provedKey);
    const mandateId = request.mandateId ?? '';
    if (subject.kind === 'mandate')
      return { subject: presentMandate(client), mandateId, through: null, trusting: null };
    if (isOurs(parts.baseUrl, subject.token))
      return presentDelegation(delegation, tenantId, subject.token, mandateId, client, provedKey);
    const proved = await presentProviderToken(tenantId, subject.token, client, provedKey, trusted);
    return { mandateId, through: null, ...proved };
  };

  async function presentProviderToken(
    tenantId: string,
    token: string,
    client: AuthenticatedClient,
    provedKey: string | null,
    trusted: Configured | undefined,
  ): Promise<Pick<Presentation, 'subject' | 'trusting'>> {
    const { providers } = kernel;
    const against = trusted ?? providers.seen(tenantId) ?? (await providers.now(tenantId));
    let proved: ProvedSubject;
    try {
      proved = await kernel.prove(token, against);
    } catch (error) {
      // A token that was refused with the cached providers may be valid with the present ones.
      const now = trusted ?? (await providers.now(tenantId));
      if (now.version === against.version) throw asRefusal(error);
      return presentProviderToken(tenantId, token, client, provedKey, now);
    }
    if (proved.boundTo !== null && proved.boundTo !== provedKey) {
      throw refuseSubject(
        'subject_key_bound',
        'subject_token: its provider bound it to a key. Send a proof with that key in the DPoP header, or a token that is not bound to a key.',
      );
    }
    if (!EXCHANGE_SCOPES.some((scope) => proved.scopes.includes(scope))) {
      throw refuseSubject(
        'token_scope_missing',
        `The subject token lacks the scope ${EXCHANGE_SCOPES[0]}. Sign the employee in with that scope.`,
      );
    }
    refuseOtherActor(proved.mayAct, client);
    const subject: Subject = {
      kind: 'access_token',
      person: { provider: proved.provider, uid: proved.uid },
      scopes: null,
      constraints: null,
      audiences: null,
      issuedAt: proved.issuedAt,
      expiresAt: proved.expiresAt,
      parentMandateId: null,
      act: null,
      jtis: [],
      token: proved.token,
    };
    return { subject, trusting: against.version };
  }

  async function presentAssertion(
    tenantId: string,
    request: ExchangeRequest,
    token: string,
    client: AuthenticatedClient,
    provedKey: string | null,
  ): Promise<Presentation> {
    const expected = {
      issuer: issuerOf(parts.baseUrl, tenantId),
      agentId: client.agentId,
      provedKey,
      trusted: () => reach(parts.read(tenantId, assertionIssuersOf)),
      now: parts.now().getTime() / 1000,
    };
    const subject = await proveAssertion(token, expected, kernel.remoteKeys);
    const mandateId =
      request.mandateId ?? (await findMandateBetween(tenantId, subject.person, client.agentId));
    return { subject, mandateId, through: null, trusting: null };
  }

  /**
   * The only mandate between principal and agent. This only selects the mandate: it is read strictly before
   * it is used, like any other.
   */
  async function findMandateBetween(
    tenantId: string,
    person: Subject['person'],
    agentId: string,
  ): Promise<string> {
    if (person === null) throw new Error('an assertion without a person was let through');
    const candidates = await reach(
      parts.read(tenantId, (ctx) => mandatesBetween(ctx, person, agentId, MAX_CANDIDATES)),
    );
    const [only, another] = candidates;
    if (only === undefined) {
      throw new OAuthError(
        'invalid_grant',
        'no_such_mandate',
        'The identity provider vouches for the employee, but they have not given this agent a mandate. Ask them for one.',
      );
    }
    if (another !== undefined) {
      throw new OAuthError(
        'invalid_grant',
        'several_mandates',
        'The employee has given this agent several mandates. Send mandate_id to choose one.',
        { extra: { mandate_ids: candidates } },
      );
    }
    return only;
  }
}

/**
 * The mandate itself as the subject. Only for clients that prove possession of a key, because a secret or an
 * SVID could be a copy.
 */
function presentMandate(client: AuthenticatedClient): Subject {
  if (client.method !== 'private_key_jwt') {
    throw new OAuthError(
      'unauthorized_client',
      'offline_needs_key',
      'Only agents that authenticate with private_key_jwt can use a mandate as the subject.',
    );
  }
  return {
    kind: 'mandate',
    person: null,
    scopes: null,
    constraints: null,
    audiences: null,
    issuedAt: null,
    expiresAt: null,
    parentMandateId: null,
    act: null,
    jtis: [],
    token: null,
  };
}

/** RFC 8693 section 4.4: if the token names who may act, only that agent may. */
function refuseOtherActor(allowed: unknown, client: AuthenticatedClient): void {
  if (allowed === undefined) return;
  const sub = typeof allowed === 'object' && allowed !== null && 'sub' in allowed ? allowed.sub : undefined;
  if (sub !== client.agentId)
    throw refuseSubject(
      'may_act',
      'subject_token: its may_act names another agent, and only that agent can use it.',
    );
}
