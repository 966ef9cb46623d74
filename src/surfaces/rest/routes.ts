import { AGENT_ROUTES } from './agents.ts';
import { API_KEY_ROUTES } from './api-keys.ts';
import { IDENTITY_PROVIDER_ROUTES } from './identity-providers.ts';
import { LEDGER_ROUTES } from './ledger.ts';
import { CALL_ROUTES } from './lists.ts';
import { META_ROUTES } from './meta.ts';
import { RULE_ROUTES } from './policies.ts';
import type { Route } from './route.ts';
import { SIGNING_KEY_ROUTES } from './signing-keys.ts';
import { SPIFFE_BUNDLE_ROUTES } from './spiffe-bundles.ts';
import { TOOL_ROUTES, USE_TOOL_ROUTE } from './tools.ts';
import { VERIFY_ROUTES } from './verify-route.ts';

/**
 * Every route, in the order of the OpenAPI document. The router, the 405 answers, the document and the
 * surface's own match (`index.ts`, `openapi.ts`) follow from it.
 */
export const ROUTES: readonly Route[] = [
  ...META_ROUTES,
  USE_TOOL_ROUTE,
  ...VERIFY_ROUTES,
  ...TOOL_ROUTES,
  ...CALL_ROUTES,
  ...AGENT_ROUTES,
  ...LEDGER_ROUTES,
  ...RULE_ROUTES,
  ...IDENTITY_PROVIDER_ROUTES,
  ...SPIFFE_BUNDLE_ROUTES,
  ...API_KEY_ROUTES,
  ...SIGNING_KEY_ROUTES,
];
