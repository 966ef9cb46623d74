import { samplePerson } from '#sandbox/company.ts';
import { Browser, type Page } from './browser.ts';

// No redirect on these pages leads there.
const NOWHERE = 'nowhere:';

/** Browsers that open an approval's page. */
export function approvalPages(at: { readonly url: string; readonly tenantId: string }) {
  const pageOf = (approvalId: string) => `${at.url}/t/${at.tenantId}/approvals/${approvalId}`;

  /** Opens the page and signs in at Okta as this person, with this factor if Okta asks for one. */
  async function opens(
    who: string,
    approvalId: string,
    options: { browser?: Browser; factor?: string } = {},
  ): Promise<{ browser: Browser; page: Page }> {
    const browser = options.browser ?? new Browser();
    const picker = await browser.go(pageOf(approvalId), NOWHERE);
    const asked = await browser.press(picker, { name: 'login', value: samplePerson(who).email }, NOWHERE);
    if (!asked.text.includes('second factor. In the sandbox')) return { browser, page: asked };
    const page = await browser.press(asked, { name: 'factor', value: options.factor ?? 'push' }, NOWHERE);
    return { browser, page };
  }

  /** Submits the page's form with one of its buttons. */
  function presses(
    { browser, page }: { browser: Browser; page: Page },
    decision: string,
    more: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    return send(browser, page.url, { csrf, decision, ...more }, headers);
  }

  async function send(
    browser: Browser,
    url: URL,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: browser.cookiesFor(url), ...headers },
      body: new URLSearchParams(form),
    });
    return { status: response.status, text: await response.text() };
  }

  return { pageOf, opens, presses, send };
}
