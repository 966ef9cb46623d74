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
  many: boolean,
): Html {
  const draw = options.map(([value, words]) =>
    chosen.includes(value)
      ? html`<option value="${value}" selected>${words}</option>`
      : html`<option value="${value}">${words}</option>`,
  );
  if (many)
    return html`<select name="${name}" multiple size="5">
      ${draw}
    </select>`;
  return html`<select name="${name}">
    <option value="">Choose…</option>
    ${draw}
  </select>`;
}

function boxes(element: Wire, chosen: readonly string[], name: string, type: 'checkbox' | 'radio'): Part {
  return optionsOf(element).map((option) => {
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
  if (type.includes('external_select')) {
    return html`<div class="external" data-min="${Number(element['min_query_length'] ?? 3)}">
      <input type="search" placeholder="${hint || 'Type to search'}" data-external="${name}" /><select
        name="${name}"
        ${type.startsWith('multi') && 'multiple'}
        size="4"
      >
        ${external(entered)}
      </select>
    </div>`;
  }
  if (type.endsWith('static_select')) return menu(own, chosen, name, type.startsWith('multi'));
  if (type.endsWith('users_select')) return menu(choices.users, chosen, name, type.startsWith('multi'));
  if (type.endsWith('s_select')) return menu(choices.channels, chosen, name, type.startsWith('multi'));
  if (type === 'checkboxes') return boxes(element, chosen, name, 'checkbox');
  if (type === 'radio_buttons') return boxes(element, chosen, name, 'radio');
  if (element['multiline'] === true || type === 'rich_text_input')
    return html`<textarea name="${name}" rows="4" placeholder="${hint}">${chosen[0] ?? ''}</textarea>`;
  return html`<input
    type="${DATE_KINDS[type] ?? 'text'}"
    name="${name}"
    value="${chosen[0] ?? ''}"
    placeholder="${hint}"
  />`;
}

function external(entered: InputState): Part {
  return [valueOf(entered)].flat().map((one) => {
    if (typeof one !== 'object' || one === null) return '';
    const option = one as Wire;
    return html`<option value="${String(option['value'])}" selected>${wordsOf(option['text'])}</option>`;
  });
}
