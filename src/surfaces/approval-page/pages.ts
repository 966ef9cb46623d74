import { html, page } from '#lib/html.ts';
import { heading } from '#lib/page-parts.ts';
import type { Ours } from '#lib/sanitise.ts';

/**
 * A page that says what happened and what to do, with an HTTP status. `again` adds a link to the approval's
 * page.
 */
export const messagePage = <T extends string>(
  status: number,
  title: Ours<T>,
  message: string,
  again?: string,
): Response =>
  page(
    title,
    html`${heading(title)}
      <p>${message}</p>
      ${again === undefined ? html`` : html`<p><a class="go" href="${again}">Sign in again</a></p>`}`,
    { status },
  );

/** The same page for an approval that does not exist and for a person who may not see it. */
export const nothingHere = (): Response =>
  messagePage(
    404,
    'Nothing to decide here',
    'This approval does not exist, or you are not an approver. The message in Slack shows who is.',
  );
