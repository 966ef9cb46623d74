import type { ProviderLink } from '#domain/provider.ts';
import { createActions } from './actions.ts';
import { createDirectory } from './directory.ts';
import { GatewayExecutor } from './executor.ts';
import { createClient } from './sdk.ts';
import { validateOrgUrl, type OktaSettings } from './settings.ts';
import { createAuthorizer } from './token.ts';

export { checkOkta } from './check.ts';
export { validateOrgUrl, type OktaCredential, type OktaSettings } from './settings.ts';

/**
 * Connects to one Okta organisation with the official SDK, working around the SDK's faults (see
 * `executor.ts`, `sdk.ts` and `token.ts`). `close` ends calls in progress as `unavailable`.
 *
 * Throws Fault `invalid_input` for an organisation URL or key that cannot work. Sends nothing before the
 * first call, so a wrong credential shows there, as `forbidden`. Accepts loopback URLs; to refuse them, call
 * `validateOrgUrl` with `allowLoopback: false` first.
 */
export function connectOkta(settings: OktaSettings): ProviderLink {
  const orgUrl = validateOrgUrl(settings.orgUrl, { allowLoopback: true });
  const timeoutMs = settings.requestTimeoutMs ?? 10_000;
  const waitBudgetMs = settings.waitBudgetMs ?? 5_000;
  const closing = new AbortController();
  const authorizer = createAuthorizer(settings.credential, {
    orgUrl,
    timeoutMs,
    plan: { budgetMs: waitBudgetMs, signals: [closing.signal], log: settings.log },
    now: settings.now ?? Date.now,
  });
  const executor = new GatewayExecutor({
    orgUrl,
    authorizer,
    timeoutMs,
    waitBudgetMs,
    closing: closing.signal,
    log: settings.log,
  });
  const client = createClient(orgUrl, executor, settings.userAgentSuffix ?? 'prokura');
  return {
    vendor: 'okta',
    directory: createDirectory(client),
    actions: createActions(client),
    close: () => {
      closing.abort();
      return Promise.resolve();
    },
  };
}
