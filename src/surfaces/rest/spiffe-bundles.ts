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
import { withTool, type Caller } from './authenticate.ts';
import { parsed } from './body.ts';
import { answerOf, bodyOf, done, route, type Patience } from './route.ts';
import { useTool } from './tools.ts';

/** The tenant's trust domains with their bundles. */
const SpiffeBundles = z.object({ bundles: z.array(BundleView) });

/** The bundle of a trust domain after it was set. */
const SetSpiffeBundle = BundleView.extend({
  ignored: z.array(IgnoredKey).describe('Keys that cannot verify a JWT-SVID, and why.'),
});

/** Every trust domain that has a bundle. */
const showSpiffeBundles = async (app: App, { tenantId }: Caller): Promise<z.infer<typeof SpiffeBundles>> => ({
  bundles: await readonly(app, tenantId, bundlesOf),
});

/**
 * Sets the bundle of a trust domain. Checks it, and then calls `spiffe_bundle_set`. That waits for two IT
 * admins, unless the organisation has declared that it has only one (`singleAdmin`). Answers 200 if the
 * bundle is in force or already was, and 202 with `Location` while it waits. Throws Fault `invalid_input`
 * (`detail.problems`).
 */
async function putSpiffeBundle(
  app: App,
  caller: Caller,
  trustDomain: string,
  bundle: z.infer<typeof SpiffeBundle>,
  patience: Patience,
): Promise<Response> {
  const { trust_domain: name } = parsed(Named, { trust_domain: trustDomain });
  const { keys, ignored } = readBundle(bundle);
  const before = await readonly(app, caller.tenantId, (reader) => bundleKeys(reader, name));
  if (before === null || !sameKeys(before, keys)) {
    const answer = await useTool(
      app,
      withTool(caller, 'spiffe_bundle_set'),
      'spiffe_bundle_set',
      { trust_domain: name, bundle },
      patience,
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
async function removeSpiffeBundle(
  app: App,
  caller: Caller,
  trustDomain: string,
  patience: Patience,
): Promise<Response> {
  const input = parsed(Named, { trust_domain: trustDomain });
  const tool = 'spiffe_bundle_remove';
  const answer = await useTool(app, withTool(caller, tool), tool, input, patience);
  return answer.status === 200 ? new Response(null, { status: 204 }) : answer;
}

const Named = z.object({ trust_domain: TrustDomain });

const PATH = '/v1/tenants/{tenantId}/spiffe-bundles';

/** The routes of SPIFFE trust domains. */
export const SPIFFE_BUNDLE_ROUTES = [
  route({
    method: 'GET',
    path: PATH,
    who: 'admin',
    operationId: 'listSpiffeBundles',
    summary:
      'Lists the SPIFFE trust domains whose workloads can authenticate as agents (API key with `admin`)',
    answer: answerOf(SpiffeBundles),
    handle: ({ app, caller }) => showSpiffeBundles(app, caller),
  }),
  route({
    method: 'PUT',
    path: `${PATH}/{trustDomain}`,
    who: 'admin',
    operationId: 'setSpiffeBundle',
    summary: 'Sets the keys that verify workloads of a trust domain (API key with `admin`)',
    description:
      'Send the bundle of the SPIFFE server, a JWK Set; only keys with the use `jwt-svid` count. Then two IT admins must approve, so the request waits (202), unless the organisation has only one administrator. If the keys do not change, the response comes immediately. If a key is removed, the tokens of every agent of the trust domain stop working.',
    body: bodyOf(SpiffeBundle),
    waits: true,
    once: 'call',
    answer: answerOf(SetSpiffeBundle),
    handle: ({ app, caller, params, body, patience }) =>
      putSpiffeBundle(app, caller, params.trustDomain, body, patience),
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{trustDomain}`,
    who: 'admin',
    operationId: 'removeSpiffeBundle',
    summary: 'Removes a trust domain: its workloads can no longer authenticate (API key with `admin`)',
    description:
      'Waits for the approval of two IT admins. Then the tokens of every agent of the trust domain stop working, and their pending requests are withdrawn.',
    waits: true,
    once: 'call',
    answer: done('Removed.'),
    handle: ({ app, caller, params, patience }) =>
      removeSpiffeBundle(app, caller, params.trustDomain, patience),
  }),
];
