/** Markup that is safe to send: everything that was put into it has been escaped. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/**
 * What can stand in a template: text is escaped, `Html` stands as it is, false, null and undefined are
 * nothing.
 */
export type Part = string | number | Html | false | null | undefined | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

function markupOf(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (part === null || part === undefined || part === false) return '';
  return typeof part === 'object' ? part.map(markupOf).join('') : escaped(String(part));
}

/**
 * Line breaks of the source are layout for its readers; in markup they would show, where white space is kept.
 */
const unbroken = (literal: string): string =>
  literal.replace(
    /(>?)\s*\n\s*(?=(<?))/g,
    (_, before: string, after: string) => before + (before === '' && after === '' ? ' ' : ''),
  );

/** A template whose values are escaped: html`<b>${name}</b>`. Attributes must be quoted. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.map((literal, index) => unbroken(literal) + markupOf(parts[index])).join(''));
}
