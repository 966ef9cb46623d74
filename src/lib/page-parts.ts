import { html } from './html.ts';
import type { Line, Ours } from './sanitise.ts';

/** The heading of a page. */
export const heading = <T extends string>(text: Ours<T>) => html`<h1>${text}</h1>`;

/** A label with its value in a `<dl>`, and small print below the value. */
export const pair = <T extends string>(label: Ours<T>, value: Line, below: Below | null = null) =>
  html`<dt>${label}</dt>
    <dd>${value}${below === null ? '' : html`<br /><span class="soft">${below}</span>`}</dd>`;

type Below = Line | ReturnType<typeof html>;

/** Lines in fixed width. None of them can begin another. */
export const preformatted = (lines: readonly Line[]) => html`<pre>${lines.join('\n')}</pre>`;
