import { randomBytes } from 'node:crypto';
import { Fault } from '#lib/fault.ts';
import { assertionReplayed, type AuthenticatedClient, type ClientAuthenticator } from './client-assertion.ts';
import { signDelegation } from './delegation-token.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import { authorizationDetails, delegationClaims, grant } from './grant.ts';
import { subjectOf, type HotMandate } from './hot-mandate.ts';
import { ACCESS_TOKEN_TYPE, audiencesOf, issuerOf } from './names.ts';
import { OAuthError } from './oauth-error.ts';
import type { KernelParts } from './parts.ts';
import { refusalEntry } from './refusal.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { ProvedSubject } from './subject-token.ts';

/** A successful token response (RFC 8693 section 2.2.1). There is no refresh token: the mandate is what lasts. */
export interface ExchangeResponse {
  readonly access_token: string;
  readonly issued_token_type: typeof ACCESS_TOKEN_TYPE;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly authorization_details: readonly Record<string, unknown>[];
}

/** What the employee's provider token must carry to delegate (requirements D4). */
const DELEGATION_CREATE = 'delegation:create';

interface ExchangeParts {
  readonly parts: Pick<KernelParts, 'baseUrl' | 'now'>;
  readonly record: KernelParts['record'];
  readonly clients: ClientAuthenticator;
  readonly prove: (tenantId: string, token: string) => Promise<ProvedSubject>;
  readonly readMandate: (tenantId: string, mandateId: string) => Promise<HotMandate | null>;
  readonly signingKeys: SigningKeys;
}

/**
 * Makes the exchange: client, then what is cheap of the subject token, then its signature, then one strict read of the mandate with all that
 * it stands on, then the decision. The assertion's `jti` is spent in the transaction of the ledger line, so of many concurrent
 * uses one gets the token; a refusal spends it too.
 */
export function createExchange(
  kernel: ExchangeParts,
): (tenantId: string, request: ExchangeRequest) => Promise<ExchangeResponse> {
  const { parts, record } = kernel;

  async function issue(
    tenantId: string,
    request: ExchangeRequest,
    client: AuthenticatedClient,
  ): Promise<ExchangeResponse> {
    const audience = audienceFor(request.targets, audiencesOf(parts.baseUrl, tenantId));
    const subject = await proved(kernel, tenantId, request.subjectToken);
    const row = await kernel.readMandate(tenantId, request.mandateId);
    if (
      row?.agent_id === client.agentId &&
      !(await kernel.clients.stillHolds(tenantId, client, row.agent_epoch))
    ) {
      throw new OAuthError(
        'invalid_client',
        'client_key_revoked',
        'The key of this client was revoked. Use a key that is registered now.',
      );
    }
    const asking = {
      ...subject,
      agentId: client.agentId,
      scopes: request.scopes,
      subjectExpiresAt: subject.expiresAt,
    };
    const granted = grant(row, asking, parts.now());
    const signer = await kernel.signingKeys.signer(tenantId);
    const jti = randomBytes(16).toString('base64url');
    const scope = granted.scopes.join(' ');
    const entry = {
      event: 'TOKEN_ISSUED' as const,
      actor: `${client.agentId} for ${granted.mandate.person_id}`,
      data: {
        jti,
        client_id: client.agentId,
        sub: subjectOf(granted.mandate),
        mandate_id: request.mandateId,
        scope,
        aud: audience,
        exp: granted.expiresAt,
      },
    };
    if (!(await record(tenantId, entry, client.once))) throw assertionReplayed();
    return {
      access_token: signDelegation(
        delegationClaims(granted, tenantId, issuerOf(parts.baseUrl, tenantId), audience, jti),
        signer,
      ),
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: 'Bearer',
      expires_in: granted.expiresAt - granted.issuedAt,
      scope,
      authorization_details: authorizationDetails(granted.mandate),
    };
  }

  return async (tenantId, request) => {
    let client: AuthenticatedClient | null = null;
    try {
      client = await kernel.clients.authenticate(tenantId, request.client);
      return await issue(tenantId, request, client);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const who = {
        client: client?.agentId ?? request.client.clientId ?? null,
        authenticated: client !== null,
        mandate: request.mandateId,
      };
      // Where the assertion has been spent already, that is the reason that counts, and this line stands beside the first use.
      const once = error.reason === 'assertion_replayed' ? undefined : client?.once;
      const written = await record(tenantId, refusalEntry(error, who), once);
      if (written) throw error;
      const replay = assertionReplayed();
      await record(tenantId, refusalEntry(replay, who));
      throw replay;
    }
  };
}

/** The one audience that the token will be for (RFC 8693 section 2.1, RFC 8707 section 2). Throws OAuthError `invalid_target`. */
function audienceFor(targets: readonly string[], known: readonly [string, ...string[]]): string {
  const [first = known[0], ...others] = targets;
  if (!known.includes(first) || others.some((other) => other !== first)) {
    throw new OAuthError(
      'invalid_target',
      'target',
      `audience or resource must be one of: ${known.join(' ')}.`,
    );
  }
  return first;
}

async function proved(kernel: ExchangeParts, tenantId: string, token: string): Promise<ProvedSubject> {
  try {
    const subject = await kernel.prove(tenantId, token);
    if (!subject.scopes.includes(DELEGATION_CREATE)) {
      throw new OAuthError(
        'invalid_request',
        'token_scope_missing',
        `The subject token lacks the scope ${DELEGATION_CREATE}. Sign the employee in with it.`,
      );
    }
    return subject;
  } catch (error) {
    // RFC 8693 section 2.2.2: a subject token that is not acceptable for any reason is invalid_request.
    if (error instanceof Fault && error.code === 'unauthenticated') {
      throw new OAuthError(
        'invalid_request',
        `subject_${String(error.detail['reason'])}`,
        `subject_token: ${error.message}`,
      );
    }
    throw error;
  }
}
