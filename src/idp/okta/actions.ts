import type { Actions } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import type { CallOptions } from './executor.ts';
import { oktaId } from './id.ts';
import { userApi, type SdkClient } from './sdk.ts';

/**
 * Changes of one organisation, by the SDK's typed operations. Each sends its request once; a 429 (Okta did nothing), a
 * refused connection and a 401 (new token) are the only reasons to send it again. What is left without an answer is
 * `unavailable` with `detail.unanswered`, and the caller must look before it repeats.
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
      // The SDK fails only on reading a success that the executor has let through.
      throw new Fault(
        'unavailable',
        'Okta’s answer could not be read. It may have happened or not: look at the state before you try again.',
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
