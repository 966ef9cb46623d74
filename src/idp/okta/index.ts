import type { ProviderLink } from '#domain/provider.ts';
import { createActions } from './actions.ts';
import { createDirectory } from './directory.ts';
import { GatewayExecutor } from './executor.ts';
import { createClient } from './sdk.ts';
import { validateOrgUrl, type OktaSettings } from './settings.ts';
import { createAuthorizer } from './token.ts';

export { validateOrgUrl, type OktaCredential, type OktaSettings } from './settings.ts';

/**
 * Links to one Okta organisation over the official SDK, with the SDK's faults mended (see `executor.ts`, `sdk.ts`,
 * `token.ts`). Nothing is sent before the first call, so a wrong credential shows there as `forbidden`. An organisation
 * URL or key that cannot work is `invalid_input` at once. Loopback URLs are accepted: who must refuse them calls
 * `validateOrgUrl` with `allowLoopback: false` first. `close` ends calls in flight as `unavailable`.
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
