import { parseJwt } from '#lib/jwt.ts';
import type { AuthenticatedClient } from '../client/client-authenticator.ts';
import { boundKey } from '../client/dpop.ts';
import { constraintsIn } from '../grant/details.ts';
import type { Act } from '../grant/grant.ts';
import { parseScope } from '../grant/scope.ts';
import {
  actorsOf,
  checkClaims,
  checkStanding,
  tokensBehind,
  type SignedToken,
} from '../issued/delegation-token.ts';
import { MAX_ACTORS, tenantOfIssuer } from '../names.ts';
import type { KernelParts } from '../parts.ts';
import { asRefusal, refuseSubject, type Presentation } from './presentation.ts';

interface DelegationParts extends Pick<KernelParts, 'baseUrl' | 'now'> {
  readonly checkSignature: (token: string) => Promise<SignedToken>;
}

// All of our tokens begin with the same header up to the key id, so most others are recognised without
// parsing them.
const OUR_HEADER = Buffer.from('{"typ":"at+jwt","alg":"ES256","kid":"').toString('base64url').slice(0, 48);

/** Whether a token says that it is one of ours. Nothing of it is checked yet. */
export function isOurs(baseUrl: string, token: string): boolean {
  return token.startsWith(OUR_HEADER) && tenantOfIssuer(baseUrl, parseJwt(token)?.claims['iss']) !== null;
}

/**
 * One of our own delegation tokens as the subject: an agent delegates to the next. Checks signature and
 * claims, that it belongs to this tenant, and that the chain of agents may grow. Throws OAuthError. The
 * caller reads the token's mandate and calls `through.check`.
 */
export async function presentDelegation(
  kernel: DelegationParts,
  tenantId: string,
  token: string,
  mandateId: string,
  client: AuthenticatedClient,
  provedKey: string | null,
): Promise<Presentation> {
  const now = kernel.now();
  const signed = await refuseUnaccepted(async () => {
    const checked = await kernel.checkSignature(token);
    // For any resource: a token made from it is limited to the same one.
    checkClaims(checked.claims, null, now);
    if (checked.kind === 'delegation') return checked;
    throw refuseSubject(
      'subject_client_token',
      "subject_token: it is a Prokura token of the employee's own client. Send the access token of their identity provider.",
    );
  });
  const { claims } = signed;
  if (signed.tenantId !== tenantId)
    throw refuseSubject('subject_issuer', 'subject_token: it belongs to another organisation.');
  // Its key belongs to the previous agent. A token made from a bound token must be bound as well, to a key
  // of the new agent.
  if (provedKey === null && boundKey(claims) !== null) {
    throw refuseSubject(
      'subject_key_bound',
      'subject_token: it is bound to a key, so the new token must be too. Send a proof with a key of your own in the DPoP header.',
    );
  }
  const act = claims['act'] as Act;
  const actors = actorsOf(act);
  if (actors.includes(client.agentId))
    throw refuseSubject('chain_cycle', 'subject_token: this agent is already part of its delegation chain.');
  if (actors.length >= MAX_ACTORS)
    throw refuseSubject(
      'chain_depth',
      `subject_token: it has already passed through ${MAX_ACTORS} agents, which is the limit.`,
    );
  const [, provider = '', ...uid] = claims.sub.split(':');
  const jtis = tokensBehind(claims);
  return {
    mandateId,
    trusting: null,
    subject: {
      kind: 'delegation_token',
      person: { provider, uid: uid.join(':') },
      scopes: parseScope(claims.scope) ?? [],
      constraints: constraintsIn(claims['authorization_details']),
      audiences: [claims.aud],
      issuedAt: null,
      expiresAt: claims.exp,
      parentMandateId: claims.mandate_id,
      act,
      jtis,
      token: `${claims.iss} ${claims.jti}`,
    },
    through: {
      mandateId: claims.mandate_id,
      jtis,
      check: (row) => {
        try {
          checkStanding(kernel.baseUrl, signed, row, kernel.now());
        } catch (error) {
          throw asRefusal(error);
        }
      },
    },
  };
}

async function refuseUnaccepted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asRefusal(error);
  }
}
