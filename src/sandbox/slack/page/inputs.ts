import { optionsOf, untouched, valueOf } from '../enter.ts';
import type { InputState, Wire } from '../types.ts';
import { wordsOf } from '../wire.ts';
import { html, type Html, type Part } from './html.ts';

/** What a menu of people or channels offers on the page. */
export interface Choices {
  readonly users: readonly (readonly [id: string, name: string])[];
  readonly channels: readonly (readonly [id: string, name: string])[];
}

const DATE_KINDS: Readonly<Record<string, string>> = {
  datepicker: 'date',
  timepicker: 'time',
  email_text_input: 'email',
  url_text_input: 'url',
};

const chosenValues = (state: InputState): string[] =>
  [valueOf(state)].flat().flatMap((one) => {
    if (typeof one === 'string') return [one];
    return typeof one === 'object' && one !== null && 'value' in one ? [String(one.value)] : [];
  });

function menu(
  options: readonly (readonly [value: string, words: string])[],
  chosen: readonly string[],
  name: string,
): Html {
  const draw = options.map(([value, words]) =>
    chosen.includes(value)
      ? html`<option value="${value}" selected>${words}</option>`
      : html`<option value="${value}">${words}</option>`,
  );
  return html`<select name="${name}">
    <option value="">Choose…</option>
    ${draw}
  </select>`;
}

/** Several choices at once: boxes to tick, since a page's own list of several wants a key held down. */
const several = (
  options: readonly (readonly [value: string, words: string])[],
  chosen: readonly string[],
  name: string,
): Html => {
  const all = options.map(([value, words]) => ({ value, text: { text: words } }));
  return html`<div class="picks">${boxes(all, chosen, name, 'checkbox')}</div>`;
};

function boxes(
  options: readonly Wire[],
  chosen: readonly string[],
  name: string,
  type: 'checkbox' | 'radio',
): Part {
  return options.map((option) => {
    const value = String(option['value']);
    const words = html`<span
      >${wordsOf(option['text'])}<small>${wordsOf(option['description'])}</small></span
    >`;
    const mark = chosen.includes(value)
      ? html`<input type="${type}" name="${name}" value="${value}" checked />`
      : html`<input type="${type}" name="${name}" value="${value}" />`;
    return html`<label class="box">${mark}${words}</label>`;
  });
}

/** An element into which something is entered, as a form control named by its `block_id/action_id`. */
export function input(element: Wire, state: InputState | undefined, name: string, choices: Choices): Part {
  const type = String(element['type']);
  const entered = state ?? untouched(element);
  const chosen = chosenValues(entered);
  const hint = wordsOf(element['placeholder']);
  const own = optionsOf(element).map((option) => [String(option['value']), wordsOf(option['text'])] as const);
  const draw = type.startsWith('multi') ? several : menu;
  if (type.includes('external_select')) {
    const known = [valueOf(entered)].flat().flatMap(knownOption);
    return html`<div class="external" data-min="${Number(element['min_query_length'] ?? 3)}">
      <input
        type="search"
        placeholder="${hint || 'Type to search'}"
        data-external="${name}"
      />${draw(known, chosen, name)}
    </div>`;
  }
  if (type.endsWith('static_select')) return draw(own, chosen, name);
  if (type.endsWith('users_select')) return draw(choices.users, chosen, name);
  if (type.endsWith('s_select')) return draw(choices.channels, chosen, name);
  if (type === 'checkboxes') return boxes(optionsOf(element), chosen, name, 'checkbox');
  if (type === 'radio_buttons') return boxes(optionsOf(element), chosen, name, 'radio');
  if (type === 'datetimepicker') return moment(valueOf(entered), name);
  if (element['multiline'] === true || type === 'rich_text_input')
    return html`<textarea name="${name}" rows="4" placeholder="${hint}">${chosen[0] ?? ''}</textarea>`;
  return html`<input
    type="${DATE_KINDS[type] ?? 'text'}"
    name="${name}"
    value="${chosen[0] ?? ''}"
    placeholder="${hint}"
  />`;
}

const knownOption = (one: unknown): (readonly [value: string, words: string])[] =>
  typeof one === 'object' && one !== null
    ? [[String((one as Wire)['value']), wordsOf((one as Wire)['text'])]]
    : [];

/** A moment is seconds at Slack and a day with a time for people; in UTC, as the page shows all times. */
const moment = (seconds: unknown, name: string): Html =>
  html`<input
    type="datetime-local"
    name="${name}"
    value="${typeof seconds === 'number' ? new Date(seconds * 1000).toISOString().slice(0, 16) : ''}"
  />`;
