import { raw } from 'hono/html';
import { html, page, type Markup } from '#lib/html.ts';
import { heading, pair } from '#lib/page-parts.ts';
import { oneLine, say, type Ours } from '#lib/sanitise.ts';

/** A requested scope, with what it lets the client do. */
export interface Ability {
  readonly scope: string;
  readonly words: string;
}

/** What the consent page tells a person before they decide. */
export interface ConsentView {
  readonly action: string;
  readonly csrf: string;
  readonly person: { readonly name: string; readonly email: string };
  readonly organisation: string;
  /**
   * `name` is what the client calls itself. `id` is the complete `client_id`, since one host may serve many
   * clients.
   */
  readonly client: { readonly name: string; readonly id: string; readonly proven: boolean };
  readonly redirect: { readonly host: string; readonly source: string; readonly local: boolean };
  /** What the client will be able to do unless the person removes it, one entry per scope. */
  readonly abilities: readonly Ability[];
  /** What every client can do, in words. */
  readonly always: string;
  readonly days: number;
  /** The address that signs this browser out. */
  readonly signOut: string;
}

/** Asks the person whether this client may act for them. */
export function consentPage(view: ConsentView): Response {
  const { person, client, redirect } = view;
  const title = say`Let ${client.name} act for you?`;
  const described = client.proven
    ? say`Described at ${client.id}`
    : say`Self-reported name; not verified (${client.id})`;
  const body = html`${heading(title)}
    <dl>
      ${pair(
        'You are',
        say`${person.name} (${person.email})`,
        html`${oneLine(view.organisation)} · <a href="${view.signOut}">Sign out</a>`,
      )}
      ${pair('Client', oneLine(client.name), described)} ${pair('Sends you to', oneLine(redirect.host))}
    </dl>
    ${redirect.local ? localWarning : html``}
    <h2>It will be able to</h2>
    ${view.abilities.length === 0 ? html`` : html`<p class="soft">Clear what it should not be able to do.</p>`}
    ${view.abilities.map(choice)}
    <p>${view.always}</p>
    <p class="soft">
      Your organisation's policies always apply: some actions will wait for an approval, and the client can
      never decide approvals, give mandates or manage agents. It stays signed in for at most ${view.days}
      days. You can end that at any time in Slack with /client list and /client revoke.
    </p>
    <form id="consent" method="post" action="${view.action}">
      <input type="hidden" name="csrf" value="${view.csrf}" />
      <button class="go" name="decision" value="approve">Approve</button
      ><button name="decision" value="deny">Deny</button>
    </form>`;
  return page(title, body, { formTargets: [redirect.source] });
}

const choice = ({ scope, words }: Ability): Markup =>
  html`<div>
    <label><input type="checkbox" form="consent" name="scope" value="${scope}" checked /> ${words}</label>
  </div>`;

const localWarning: Markup = html`<p class="warn">
  This client runs on this computer, and another program could pretend to be it. Approve only if you have just
  started this sign-in yourself.
</p>`;

/**
 * Asks whether to sign this browser out. `form` is the HTML of `oidc-provider` without a button; it is safe
 * and is not escaped.
 */
export const signOutPage = (form: string): Response =>
  page(
    'Sign out of this browser?',
    html`<h1>Sign out of this browser?</h1>
      <p>
        The next time a client asks to act for you here, you sign in to Okta again. Clients that can already
        act for you stay signed in. In Slack, /client list shows them and /client revoke ends their access.
      </p>
      ${raw(form)}
      <p><button class="go" form="op.logoutForm" name="logout" value="yes">Sign out</button></p>`,
  );

/** Says what is left to do after a sign-out: we cannot end Okta's own session. */
export const signedOutPage = (): Response =>
  messagePage(
    200,
    'You are signed out',
    'At the next sign-in here, Okta asks who you are. You may still be signed in to Okta for other apps: if other people use this computer, sign out there too.',
  );

/** A page that says what happened and what to do, with an HTTP status. */
export const messagePage = <T extends string>(status: number, title: Ours<T>, message: string): Response =>
  page(
    title,
    html`${heading(title)}
      <p>${message}</p>`,
    { status },
  );
