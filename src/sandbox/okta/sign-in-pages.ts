import type { Context } from 'hono';
import { html } from 'hono/html';
import { METHODS } from './assurance.ts';
import type { OktaEnv } from './simulation.ts';
import { displayName } from './system-log.ts';
import type { UserRecord } from './types.ts';

/** The page that Okta shows when it cannot send the browser back. */
export const errorPage = (c: Context<OktaEnv>, message: string): Response | Promise<Response> =>
  c.html(
    html`<!doctype html><title>Okta (sandbox)</title>
      <h1>400 Bad Request</h1>
      <p>${message}</p>`,
    400,
  );

const shell = (title: string, body: ReturnType<typeof html>) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Okta (sandbox)</title>
      </head>
      <body style="font:16px/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem">
        <h1>${title}</h1>
        ${body}
      </body>
    </html>`;

/** A page to pick one of the active people with a click. */
export const picker = (users: readonly UserRecord[], transaction: string, action: string) =>
  shell(
    'Sign in as',
    html`<p>This is the sandbox's simulated Okta. You don't need a password: choose a person.</p>
      <form method="post" action="${action}">
        <input type="hidden" name="transaction" value="${transaction}" />
        ${users
          .filter((user) => user.status === 'ACTIVE')
          .map(
            (user) =>
              html`<p>
                <button name="login" value="${String(user.profile['login'])}">
                  ${displayName(user)} — ${String(user.profile['title'])}
                </button>
              </p>`,
          )}
      </form>`,
  );

/** A page with the person's second factors, each confirmed by a click. */
export const factorPage = (user: UserRecord, transaction: string, action: string) =>
  shell(
    'Verify it is you',
    html`<p>${displayName(user)}, confirm with a second factor. In the sandbox, just click one.</p>
      <form method="post" action="${action}">
        <input type="hidden" name="transaction" value="${transaction}" />
        ${user.factors.map(
          ({ factorType }) =>
            html`<p>
              <button name="factor" value="${factorType}">${METHODS[factorType].label}</button>
            </p>`,
        )}
      </form>`,
  );
