import { Fault } from '#lib/fault.ts';
import type { ClientClaims, VerifiedClient } from './client-token.ts';
import type { DelegationClaims, VerifiedDelegation } from './delegation-token.ts';

/**
 * Who asks about a token: a program with an API key, or an agent that asks about its own tokens for any
 * audience.
 */
export type IntrospectionCaller =
  /** `resource`: the resource server that holds the key (`audiencesOfKey`). */
  | { readonly kind: 'key'; readonly resource: string | null }
  | { readonly kind: 'agent'; readonly agentId: string };

/**
 * Claims that the answer repeats from the token (RFC 7662 section 2.2, RFC 8693 section 4.1, RFC 9396
 * section 9.2).
 */
const REPEATED = [
  'iss',
  'sub',
  'aud',
  'client_id',
  'iat',
  'exp',
  'jti',
  'scope',
  'act',
  'mandate_id',
  'authorization_details',
  'tenant',
  'status',
  'cnf',
] as const;

/**
 * The members of an introspection answer. `look` verifies the token and reads again what it depends on.
 * If it refuses the token, or the caller may not see it, the answer is `{active: false}` alone. Other
 * faults pass, such as `unavailable`: "we do not know" must not read as inactive.
 */
export async function introspection(
  tenantId: string,
  caller: IntrospectionCaller,
  look: () => Promise<{
    claims: DelegationClaims | ClientClaims;
    verified: VerifiedDelegation | VerifiedClient;
  }>,
): Promise<Record<string, unknown>> {
  try {
    const { claims, verified } = await look();
    const mine =
      verified.tenantId === tenantId &&
      (caller.kind === 'key' || (verified.kind === 'delegation' && caller.agentId === verified.agentId));
    if (!mine) return { active: false };
    return {
      active: true,
      token_type: claims['cnf'] === undefined ? 'Bearer' : 'DPoP',
      ...Object.fromEntries(REPEATED.map((name) => [name, claims[name]])),
    };
  } catch (error) {
    if (error instanceof Fault && error.code === 'unauthenticated') return { active: false };
    throw error;
  }
}
