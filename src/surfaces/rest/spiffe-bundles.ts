import { z } from 'zod';
import {
  bundleKeys,
  bundlesOf,
  BundleView,
  IgnoredKey,
  readBundle,
  sameKeys,
  SpiffeBundle,
  TrustDomain,
} from '#domain/tenant/spiffe-bundles.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { parsed } from './api-keys.ts';
import { withTool, type Caller } from './authenticate.ts';
import { useTool } from './tools.ts';

export const SpiffeBundles = z.object({ bundles: z.array(BundleView) });

export const SetSpiffeBundle = BundleView.extend({
  ignored: z.array(IgnoredKey).describe('Keys that verify no JWT-SVID, and why.'),
});

/** Every trust domain that has a bundle. */
export const showSpiffeBundles = async (
  app: App,
  { tenantId }: Caller,
): Promise<z.infer<typeof SpiffeBundles>> => ({ bundles: await readonly(app, tenantId, bundlesOf) });

/**
 * Gives a trust domain a bundle: read, checked, and then a call of `spiffe_bundle_set`, which waits for two IT admins unless the organisation has one
 * administrator only and says so (`singleAdmin`). 200 where it is in force, or was already; 202 with `Location` where it waits. Throws Fault
 * `invalid_input` (`detail.problems`).
 */
export async function putSpiffeBundle(
  app: App,
  caller: Caller,
  trustDomain: string,
  body: Readonly<Record<string, unknown>>,
  waitMs: number | null,
  signal: AbortSignal,
): Promise<Response> {
  const { trust_domain: name } = parsed(Named, { trust_domain: trustDomain });
  const bundle = parsed(SpiffeBundle, body);
  const { keys, ignored } = readBundle(bundle);
  const before = await readonly(app, caller.tenantId, (reader) => bundleKeys(reader, name));
  if (before === null || !sameKeys(before, keys)) {
    const answer = await useTool(
      app,
      withTool(caller, 'spiffe_bundle_set'),
      'spiffe_bundle_set',
      { trust_domain: name, bundle },
      waitMs,
      signal,
    );
    if (answer.status !== 200) return answer;
  }
  const { bundles } = await showSpiffeBundles(app, caller);
  return Response.json({ ...bundles.find((one) => one.trust_domain === name), ignored });
}

/** Takes a trust domain's bundle away in the same manner: 204 where it is gone, 202 where that waits. Throws Fault `not_found`. */
export async function removeSpiffeBundle(
  app: App,
  caller: Caller,
  trustDomain: string,
  waitMs: number | null,
  signal: AbortSignal,
): Promise<Response> {
  const input = parsed(Named, { trust_domain: trustDomain });
  const tool = 'spiffe_bundle_remove';
  const answer = await useTool(app, withTool(caller, tool), tool, input, waitMs, signal);
  return answer.status === 200 ? new Response(null, { status: 204 }) : answer;
}

const Named = z.object({ trust_domain: TrustDomain });
