import { isId } from '#lib/id.ts';
import type { NewEntry } from '../ledger/entry.ts';
import type { OAuthError } from './oauth-error.ts';

/** What is known of a refused request; nothing of it need be true. */
export interface RefusedRequest {
  readonly client: string | null;
  /** True where the client proved who it is. */
  readonly authenticated: boolean;
  readonly mandate: string | null;
}

/** The ledger entry of a refused token request: ids and a reason, never a token (law 12). */
export function refusalEntry(error: OAuthError, request: RefusedRequest): NewEntry {
  const client = request.client !== null && isId('agt', request.client) ? request.client : null;
  const mandate = request.mandate !== null && isId('mdt', request.mandate) ? request.mandate : null;
  return {
    event: 'TOKEN_REFUSED',
    actor: client !== null && request.authenticated ? client : 'unauthenticated client',
    data: {
      error: error.error,
      reason: error.reason,
      client_authenticated: request.authenticated,
      ...(client === null ? {} : { client_id: client }),
      ...(mandate === null ? {} : { mandate_id: mandate }),
    },
  };
}
