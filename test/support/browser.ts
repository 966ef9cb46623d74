import { createHash, randomBytes } from 'node:crypto';
import { samplePerson } from '#sandbox/company.ts';

interface Cookie {
  readonly host: string;
  readonly name: string;
  readonly path: string;
  value: string;
}

/** The page where a chain of redirects ended. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/**
 * As much of a browser as sign-ins need: cookies by host and path, redirects and forms. It runs no scripts.
 */
export class Browser {
  readonly #cookies: Cookie[] = [];

  /** The Cookie header for this address. */
  cookiesFor(url: URL): string {
    return this.#cookies
      .filter(
        ({ host, path }) =>
          host === url.hostname &&
          (url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** Copies its cookies to another browser, under this path, as an attacker could do with their own. */
  copyTo(other: Browser, path: string): void {
    for (const cookie of this.#cookies) other.#cookies.push({ ...cookie, path });
  }

  #keep(url: URL, header: string): void {
    const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const path =
      attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? url.pathname.replace(/\/[^/]*$/, '') ?? '/';
    const known = this.#cookies.findIndex(
      (one) => one.host === url.hostname && one.name === name && one.path === path,
    );
    if (known >= 0) this.#cookies.splice(known, 1);
    const gone = attributes.some((one) => /^(?:expires=thu, 01 jan 1970|max-age=0$)/i.test(one));
    if (!gone) this.#cookies.push({ host: url.hostname, name, path, value });
  }

  /**
   * Opens an address and follows every redirect, but not one to an address that starts with `stopAt`, which
   * belongs to the client.
   */
  async go(address: string | URL, stopAt: string, form?: URLSearchParams): Promise<Page> {
    let url = new URL(address);
    let body = form;
    for (let hop = 0; hop < 20; hop += 1) {
      const cookie = this.cookiesFor(url);
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        redirect: 'manual',
        headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) },
        ...(body === undefined ? {} : { body }),
      });
      for (const header of response.headers.getSetCookie()) this.#keep(url, header);
      const { status, headers } = response;
      const text = await response.text();
      const location = headers.get('location');
      if (status < 300 || status >= 400 || location === null) return { url, status, text, headers };
      url = new URL(location, url);
      body = undefined;
      if (url.href.startsWith(stopAt)) return { url, status, text: '', headers };
    }
    throw new Error('too many redirects');
  }

  /**
   * Submits the page's only form with a button. Ticked boxes stay ticked, except for the values in `untick`.
   */
  async press(
    page: Page,
    button: { name: string; value: string },
    stopAt: string,
    untick: readonly string[] = [],
  ): Promise<Page> {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.text)?.[1];
    if (action === undefined) throw new Error(`no form at ${page.url.href}: ${page.status} ${page.text}`);
    const form = new URLSearchParams();
    for (const [, name = '', value = ''] of page.text.matchAll(
      /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
    ))
      form.append(name, value);
    for (const [, name = '', value = ''] of page.text.matchAll(
      /<input type="checkbox"[^>]* name="([^"]*)" value="([^"]*)" checked/g,
    ))
      if (!untick.includes(value)) form.append(name, value);
    form.append(button.name, button.value);
    return this.go(new URL(action, page.url), stopAt, form);
  }
}

/**
 * Signs a person in with a new browser: picks them at Okta and approves everything that is not in `untick`.
 * Returns the redirect to the client.
 */
export async function signIn(
  address: URL,
  person: string,
  redirect: string,
  untick: readonly string[] = [],
): Promise<URL> {
  const browser = new Browser();
  let page = await browser.go(address, redirect);
  page = await browser.press(page, { name: 'login', value: samplePerson(person).email }, redirect);
  page = await browser.press(page, { name: 'decision', value: 'approve' }, redirect, untick);
  if (!page.url.href.startsWith(redirect)) throw new Error(`not signed in: ${page.status} ${page.text}`);
  return page.url;
}

/** A PKCE pair (RFC 7636). */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}
