import type { Actions } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import type { CallOptions } from './executor.ts';
import { oktaId } from './id.ts';
import { userApi, type SdkClient } from './sdk.ts';

/**
 * Changes at one Okta organisation, through the SDK's typed operations. A change is sent again only if Okta
 * provably did nothing: after a 429, a refused connection, or a 401 (with a new token). If no answer came, it
 * throws Fault `unavailable` with `detail.unanswered`, and the caller must look before it repeats the change.
 */
export function createActions(client: SdkClient): Actions {
  const change = async (
    uid: string,
    signal: AbortSignal | undefined,
    run: (api: Api, userId: string) => Promise<unknown>,
  ) => {
    const userId = oktaId('user', uid);
    const call: CallOptions = { signal };
    try {
      await run(userApi(client, call), userId);
    } catch (error) {
      if (error instanceof Fault) throw error;
      // The executor let a success through that the SDK cannot read.
      throw new Fault(
        'unavailable',
        'Okta’s response could not be read. The change may or may not have happened: check the state before you try again.',
        {
          detail: { unanswered: true, reason: 'unreadable' },
          cause: error,
        },
      );
    }
  };
  return {
    resetPassword: (uid, signal) =>
      change(uid, signal, (api, userId) => api.generateResetPasswordToken({ userId, sendEmail: true })),
    resetFactors: (uid, signal) => change(uid, signal, (api, userId) => api.resetFactors({ userId })),
    suspend: (uid, signal) => change(uid, signal, (api, userId) => api.suspendUser({ userId })),
  };
}

type Api = ReturnType<typeof userApi>;
