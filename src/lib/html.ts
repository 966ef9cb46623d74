import { createHash } from 'node:crypto';
import { html as escaped, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { sanitiseText, type Ours } from './sanitise.ts';

/** Markup that can be inserted into a page unchanged. Only `html` and `raw` create it. */
export type Markup = HtmlEscapedString;

type Part = string | number | Markup | readonly Markup[];

/**
 * Template tag of `hono/html`. Escapes every value for text and quoted attributes, unless it is Markup, and
 * removes invisible characters from it first.
 */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  // Only a value that is a promise makes the result one.
  escaped(strings, ...parts.map((part) => (typeof part === 'string' ? sanitiseText(part) : part))) as Markup;

const STYLE = `
:root { color-scheme: light dark; --line: #c9ced6; --soft: #59636f; --soft-fill: #f3f5f8; --go: #0b5cad; --warn: #8a4b00; --stop: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --line: #454c55; --soft: #a3acb7; --soft-fill: #22262b; --go: #6db3f2; --warn: #f0b35e; --stop: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; display: grid; min-height: 100vh; place-items: center; }
main { max-width: 30rem; width: 100%; box-sizing: border-box; padding: 1.5rem; }
main:has(pre) { max-width: 42rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 1rem; }
h2 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
ul { padding-left: 1.25rem; margin: .25rem 0; }
.soft { color: var(--soft); font-size: .9rem; }
.warn { color: var(--warn); border-left: 4px solid var(--warn); padding: .25rem .75rem; margin: 1rem 0; }
pre, blockquote { margin: .25rem 0; padding: .75rem 1rem; border-radius: 8px; background: var(--soft-fill); white-space: pre-wrap; overflow-wrap: anywhere; }
pre { font: .875rem/1.5 ui-monospace, monospace; }
blockquote { border-left: 4px solid var(--line); border-radius: 0 8px 8px 0; }
.mark { display: inline-block; border: 1px solid var(--line); border-radius: 999px; padding: .05rem .75rem; font-size: .875rem; }
.from { margin-top: 0; }
form { display: flex; gap: .75rem; margin-top: 1.5rem; }
form.tall { flex-direction: column; align-items: flex-start; margin-top: .75rem; }
label { width: 100%; } textarea { display: block; width: 100%; box-sizing: border-box; margin-top: .25rem; font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 8px; padding: .5rem .75rem; }
details { margin-top: 1rem; } summary { cursor: pointer; color: var(--stop); }
a.go { display: inline-block; text-decoration: none; padding: .55rem 1.25rem; border-radius: 8px; }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
button { font: inherit; padding: .55rem 1.25rem; border-radius: 8px; border: 1px solid var(--line); background: none; color: inherit; cursor: pointer; }
button.go, a.go { background: var(--go); border-color: var(--go); color: Canvas; font-weight: 600; }
button.stop { border-color: var(--stop); color: var(--stop); font-weight: 600; }
`;
// One piece, so that nothing but the style is between the tags: the hash covers every character there.
const STYLE_ELEMENT = raw(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** The status of the page, and the origins to which its form may redirect, besides its own. */
export interface PageOptions {
  readonly status?: number;
  readonly formTargets?: readonly string[];
}

/**
 * A whole page without a script. It loads nothing, cannot be framed, and its form can only be sent to our own
 * origin or to `formTargets` (CSP 3). It is never cached, and its address is not sent as a referrer.
 */
export function page<T extends string>(title: Ours<T>, body: Markup, options: PageOptions = {}): Response {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    `form-action 'self' ${(options.formTargets ?? []).join(' ')}`.trim(),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
  const text = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`;
  return new Response(text.toString(), {
    status: options.status ?? 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
  });
}
