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

/** The tenant's trust domains with their bundles. */
export const SpiffeBundles = z.object({ bundles: z.array(BundleView) });

/** The bundle of a trust domain after it was set. */
export const SetSpiffeBundle = BundleView.extend({
  ignored: z.array(IgnoredKey).describe('Keys that cannot verify a JWT-SVID, and why.'),
});

/** Every trust domain that has a bundle. */
export const showSpiffeBundles = async (
  app: App,
  { tenantId }: Caller,
): Promise<z.infer<typeof SpiffeBundles>> => ({ bundles: await readonly(app, tenantId, bundlesOf) });

/**
 * Sets the bundle of a trust domain. Parses and checks it, and then calls `spiffe_bundle_set`. That waits for
 * two IT admins, unless the organisation has declared that it has only one (`singleAdmin`). Answers 200 if
 * the bundle is in force or already was, and 202 with `Location` while it waits. Throws Fault `invalid_input`
 * (`detail.problems`).
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

/**
 * Removes the bundle of a trust domain in the same way: 204 once it is removed, 202 while that waits. Throws
 * Fault `not_found`.
 */
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
