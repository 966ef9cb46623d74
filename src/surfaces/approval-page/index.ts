import type { TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf } from '#domain/token/names.ts';
import type { App } from '#engine/app.ts';
import { approvalPage } from '#engine/approve/page.ts';
import { createOktaLogin, type LoginClient } from '#engine/okta-login.ts';
import { asFault } from '#lib/fault.ts';
import { isId } from '#lib/id.ts';
import { decidePage } from './decide.ts';
import { messagePage, nothingHere } from './pages.ts';
import { showPage } from './show.ts';
import { finishSignIn, type Parts, type Visit } from './sign-in.ts';

// `/t/<tenant>/approvals/<approval>`, and the address to which Okta sends people back.
const PAGE = /^\/t\/([^/]+)\/approvals\/([^/]+)$/;
const CALLBACK = /^\/t\/([^/]+)\/step-up\/callback$/;

/**
 * The page where a person decides one approval with step-up. They sign in again at the tenant's Okta with a
 * second factor, see the approval, and vote with the same tool as in every other interface. A person who may
 * not see it gets the same page as for an approval that does not exist. Works without scripts.
 *
 * `fetch` answers null for paths of other interfaces, and throws for unexpected errors.
 */
export function approvalPageSurface(
  app: App,
  kernel: Pick<TokenKernel, 'tenantOf'>,
  client: LoginClient | null,
): { fetch(request: Request): Promise<Response | null> } {
  const login = createOktaLogin(
    app,
    client,
    (tenantId) => `${issuerOf(app.baseUrl, tenantId)}/step-up/callback`,
  );
  const parts: Parts = { app, login };

  async function answer(request: Request, tenantId: string, approvalId: string | null): Promise<Response> {
    if (!isId('tnt', tenantId) || (await kernel.tenantOf('tenant', tenantId)) === null) return nothingHere();
    if (approvalId !== null && !isId('apr', approvalId)) return nothingHere();
    if (!(await login.isSetUp(tenantId))) return notSetUp();
    if (approvalId === null)
      return request.method === 'GET' ? finishSignIn(parts, tenantId, request) : nothingHere();
    const visit: Visit = {
      tenantId,
      approvalId,
      request,
      page: approvalPage(app.baseUrl, tenantId, approvalId),
    };
    if (request.method === 'GET') return showPage(parts, visit);
    return request.method === 'POST' ? decidePage(parts, visit) : nothingHere();
  }

  return {
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const [, tenantId, approvalId] = PAGE.exec(pathname) ?? CALLBACK.exec(pathname) ?? [];
      if (tenantId === undefined) return null;
      try {
        return await answer(request, tenantId, approvalId ?? null);
      } catch (error) {
        const fault = asFault(error);
        if (fault.code !== 'unavailable') throw error;
        return messagePage(503, 'Try again in a moment', fault.message);
      }
    },
  };
}

const notSetUp = (): Response =>
  messagePage(
    503,
    'Sign-in is not set up',
    'An administrator must register a web application in Okta and set its client ID on this server (OKTA_LOGIN_CLIENT_ID).',
  );
