import type { KnownBlock, TaskCardBlock, TextObject } from '@slack/types';
import type { InputValues, Wire } from '../types.ts';
import { html, type Html, type Part } from './html.ts';
import { input, type Choices } from './inputs.ts';
import { mrkdwn, type Names } from './mrkdwn.ts';
import { richText } from './rich-text.ts';
import { stringOf, wordsOf } from '../wire.ts';

/** What drawing needs besides the blocks. */
export interface Drawing {
  readonly names: Names;
  readonly choices: Choices;
  readonly values: InputValues;
}

const text = (one: TextObject | undefined, { names }: Drawing): Part =>
  one === undefined ? '' : one.type === 'mrkdwn' ? mrkdwn(one.text, names) : one.text;

/** A button or menu. Buttons carry their action_id and their confirm dialog for the script. */
function element(wire: Wire, blockId: string, drawing: Drawing): Part {
  const action = stringOf(wire['action_id']);
  const label = wordsOf(wire['text']);
  const dialog = wire['confirm'] as Wire | undefined;
  const question = dialog === undefined ? '' : `${wordsOf(dialog['title'])}\n\n${wordsOf(dialog['text'])}`;
  if (wire['type'] === 'image') return html`<span class="image" title="${String(wire['alt_text'])}">▣</span>`;
  if (wire['type'] === 'button' || wire['type'] === 'icon_button' || wire['type'] === 'workflow_button') {
    const kind = typeof wire['style'] === 'string' ? wire['style'] : 'plain';
    return html`<button
      type="button"
      class="${kind}"
      data-action="${action}"
      data-confirm="${question}"
      data-url="${stringOf(wire['url'])}"
    >
      ${label}
    </button>`;
  }
  if (wire['type'] === 'overflow') {
    const options = (wire['options'] as Wire[]).map(
      (one) => html`<option value="${String(one['value'])}">${wordsOf(one['text'])}</option>`,
    );
    return html`<select data-choose="${action}" data-confirm="${question}" aria-label="More">
      <option value="">⋯</option>
      ${options}
    </select>`;
  }
  const control = input(wire, drawing.values[blockId]?.[action], `${blockId}/${action}`, drawing.choices);
  return html`<span class="menu" data-choose="${action}" data-confirm="${question}">${control}</span>`;
}

const task = (one: TaskCardBlock, { names }: Drawing): Html =>
  html`<li class="task ${one.status}">
    <strong>${one.title}</strong>
    ${one.details && richText(one.details, names)}${one.output && richText(one.output, names)}
  </li>`;

type Draw<B extends KnownBlock> = (block: B, drawing: Drawing) => Part;
type Drawers = { readonly [T in KnownBlock['type']]?: Draw<Extract<KnownBlock, { type: T }>> };

const elements = (all: readonly unknown[] | undefined, blockId: string | undefined, drawing: Drawing): Part =>
  (all ?? []).map((one) => element(one as Wire, blockId ?? '', drawing));

const cells = (rows: readonly (readonly unknown[])[], { names }: Drawing): Html =>
  html`<table>
    ${rows.map(
      (row) =>
        html`<tr>
          ${row.map((cell) => {
            const wire = cell as Wire;
            if (wire['type'] === 'rich_text')
              return html`<td>${richText(cell as Parameters<typeof richText>[0], names)}</td>`;
            return html`<td>${stringOf(wire['text'] ?? wire['value'])}</td>`;
          })}
        </tr>`,
    )}
  </table>`;

const DRAWERS: Drawers = {
  header: (block) => html`<h3>${block.text.text}</h3>`,
  divider: () => html`<hr />`,
  section: (block, drawing) =>
    html`<div class="section">
      <div class="words">
        ${block.text && html`<p>${text(block.text, drawing)}</p>`}
        ${block.fields && html`<div class="fields">${block.fields.map((field) => html`<div>${text(field, drawing)}</div>`)}</div>`}
      </div>
      ${block.accessory && element(block.accessory as unknown as Wire, block.block_id ?? '', drawing)}
    </div>`,
  context: (block, drawing) =>
    html`<div class="context">
      ${block.elements.map((one) =>
        one.type === 'image'
          ? html`<span title="${one.alt_text}">▣</span>`
          : html`<span>${text(one, drawing)}</span>`,
      )}
    </div>`,
  rich_text: (block, { names }) => html`<div class="rich">${richText(block, names)}</div>`,
  actions: (block, drawing) =>
    html`<div class="actions">${elements(block.elements, block.block_id, drawing)}</div>`,
  context_actions: (block, drawing) =>
    html`<div class="actions">${elements(block.elements, block.block_id, drawing)}</div>`,
  input: (block, drawing) => {
    const wire = block.element as unknown as Wire;
    const name = `${block.block_id ?? ''}/${String(wire['action_id'])}`;
    const state = drawing.values[block.block_id ?? '']?.[String(wire['action_id'])];
    return html`<div
      class="field"
      data-block="${block.block_id ?? ''}"
      data-tells="${block.dispatch_action === true ? name : ''}"
    >
      <label>${block.label.text}${block.optional === true && html` <small>(optional)</small>`}</label>
      ${input(wire, state, name, drawing.choices)}<small>${block.hint?.text}</small>
      <div class="error"></div>
    </div>`;
  },
  image: (block) => html`<div class="context">▣ ${block.alt_text}</div>`,
  alert: (block, drawing) =>
    html`<div class="alert ${block.level ?? 'default'}">${text(block.text, drawing)}</div>`,
  card: (block, drawing) =>
    html`<div class="card">
      ${block.title && html`<strong>${text(block.title, drawing)}</strong>`}
      ${block.subtitle && html`<div class="context">${text(block.subtitle, drawing)}</div>`}${block.body && html`<p>${text(block.body, drawing)}</p>`}
      <div class="actions">${elements(block.actions, block.block_id, drawing)}</div>
    </div>`,
  carousel: (block, drawing) =>
    html`<div class="carousel">${block.elements.map((card) => DRAWERS.card?.(card, drawing))}</div>`,
  container: (block, drawing) => {
    const title =
      block.rich_text_title === undefined
        ? block.title?.text
        : richText(block.rich_text_title, drawing.names);
    const body = html`${block.subtitle && html`<div class="context">${text(block.subtitle, drawing)}</div>`}${drawBlocks(block.child_blocks, drawing)}`;
    if (block.is_collapsible !== true) return html`<div class="card"><strong>${title}</strong>${body}</div>`;
    return block.default_collapsed === true
      ? html`<details class="card">
          <summary>${title}</summary>
          ${body}
        </details>`
      : html`<details class="card" open>
          <summary>${title}</summary>
          ${body}
        </details>`;
  },
  plan: (block, drawing) =>
    html`<div class="card">
      <strong>${block.title}</strong>
      <ul class="plan">
        ${(block.tasks ?? []).map((one) => task(one as TaskCardBlock, drawing))}
      </ul>
    </div>`,
  task_card: (block, drawing) =>
    html`<ul class="plan">
      ${task(block, drawing)}
    </ul>`,
  table: (block, drawing) => cells(block.rows, drawing),
  data_table: (block, drawing) => cells(block.rows, drawing),
  markdown: (block) => html`<pre class="markdown">${block.text}</pre>`,
};

/** Blocks as HTML; a kind that the page cannot draw shows its name. */
export function drawBlocks(blocks: readonly KnownBlock[], drawing: Drawing): Html {
  return html`${blocks.map((block): Part => {
    const draw = DRAWERS[block.type] as Draw<KnownBlock> | undefined;
    return draw === undefined ? html`<div class="context">[${block.type}]</div>` : draw(block, drawing);
  })}`;
}
