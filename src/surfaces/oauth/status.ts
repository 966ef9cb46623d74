import type { TokenKernel } from '#domain/token/kernel.ts';
import { STATUS_TTL_SECONDS } from '#domain/token/status-list.ts';
import type { App } from '#engine/app.ts';
import type { Address } from './address.ts';
import { answer } from './faults.ts';

/**
 * Answers `GET <issuer>/oauth2/status/<list>` with a Status List Token (draft-ietf-oauth-status-list-20
 * section 8.1), and `GET <issuer>/oauth2/status` with the addresses of all lists (section 9.3). Anybody may
 * read them, since they identify nobody. Throws Fault `unavailable`.
 */
export async function statusList(
  { kernel, app }: { kernel: Pick<TokenKernel, 'statusLists' | 'tenantOf'>; app: Pick<App, 'now'> },
  { tenantId }: Address,
  request: Request,
): Promise<Response> {
  if (tenantId === null || (await kernel.tenantOf('tenant', tenantId)) === null) return missing('issuer');
  const named = /\/status\/(\d+)$/.exec(new URL(request.url).pathname)?.[1];
  if (named === undefined) {
    const addresses = await kernel.statusLists.addresses(tenantId);
    return Response.json({ status_lists: addresses }, { headers: fresh(STATUS_TTL_SECONDS) });
  }
  const list = await kernel.statusLists.list(tenantId, Number(named));
  if (list === null) return missing('status list');
  const left = Math.max(0, Math.floor((list.untilMs - app.now().getTime()) / 1000));
  return new Response(list.jwt, {
    headers: { 'content-type': 'application/statuslist+jwt', ...fresh(left) },
  });
}

const fresh = (seconds: number): Record<string, string> => ({
  'cache-control': `public, max-age=${seconds}`,
  'access-control-allow-origin': '*',
});

const missing = (what: string): Response =>
  answer(404, { error: 'not_found', error_description: `There is no such ${what}.` });
