import { html, page } from '#lib/html.ts';

/** A page that says what has happened and what to do; with `again`, a way back to the approval's own page. `status` as HTTP knows it. */
export const messagePage = (status: number, title: string, message: string, again?: string): Response =>
  page(
    title,
    html`<h1>${title}</h1>
      <p>${message}</p>
      ${again === undefined ? html`` : html`<p><a class="go" href="${again}">Sign in again</a></p>`}`,
    { status },
  );

/** For whoever may not see an approval, as for one that does not exist. */
export const nothingHere = (): Response =>
  messagePage(
    404,
    'There is nothing here for you',
    'Either there is no such approval, or it is not yours to decide. The message in Slack says who can.',
  );
