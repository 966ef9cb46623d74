import { reach } from '#db/reach.ts';
import { Fault } from '#lib/fault.ts';
import { assertionReplayed } from '../client/client-assertion.ts';
import type { AuthenticatedClient } from '../client/client-authenticator.ts';
import type { SignedDelegation, SignedToken } from './delegation-token.ts';
import { SKEW_SECONDS } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';
import type { KernelParts } from '../parts.ts';
import { denyToken, spend } from '../store.ts';

/**
 * Revokes one token of the client (RFC 7009 section 2) and with it every token that was made from it.
 * Resolves in the same way for an unknown, expired or already revoked token. Denial, spent assertion and
 * ledger entry are one transaction. The mandate stays in force. Throws OAuthError `unauthorized_client` for
 * another client's token, which stays valid, and `invalid_client` for a used assertion.
 */
export async function revokeToken(
  parts: Pick<KernelParts, 'write'>,
  tenantId: string,
  client: AuthenticatedClient,
  look: () => Promise<SignedToken>,
): Promise<void> {
  const signed = await ours(look);
  const mine = signed?.tenantId === tenantId && signed.claims.client_id === client.agentId;
  const fresh = await reach(
    parts.write(tenantId, async (ctx) => {
      if (client.once !== null && !(await spend(ctx, client.once.key, client.once.expiresAt))) return false;
      if (signed === null || !mine || signed.claims.exp * 1000 + SKEW_SECONDS * 1000 <= ctx.now.getTime())
        return true;
      const { jti, exp, mandate_id: mandateId, sub } = signed.claims;
      if (await denyToken(ctx, jti, new Date((exp + SKEW_SECONDS) * 1000))) {
        ctx.record({
          event: 'TOKEN_REVOKED',
          actor: client.agentId,
          data: { jti, client_id: client.agentId, sub, mandate_id: mandateId },
        });
      }
      return true;
    }),
  );
  if (!fresh) throw assertionReplayed();
  if (signed?.tenantId === tenantId && !mine) {
    throw new OAuthError(
      'unauthorized_client',
      'not_your_token',
      'This token was issued to another client, and only that client can revoke it. The principal can revoke the mandate.',
    );
  }
}

async function ours(look: () => Promise<SignedToken>): Promise<SignedDelegation | null> {
  try {
    const signed = await look();
    return signed.kind === 'delegation' ? signed : null;
  } catch (error) {
    if (error instanceof Fault && error.code === 'unauthenticated') return null;
    throw error;
  }
}
