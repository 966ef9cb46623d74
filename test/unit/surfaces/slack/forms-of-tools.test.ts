import type { InputBlock } from '@slack/types';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadCatalogue, type Catalogue } from '#engine/catalogue.ts';
import { checkView } from '#sandbox/slack/index.ts';
import { commandRegistry, type Registry } from '#surfaces/slack/commands/registry.ts';
import { formView, MORE_BLOCK } from '#surfaces/slack/forms/draw.ts';
import { fieldsIn, type Field } from '#surfaces/slack/forms/fields.ts';
import { settledFields, type Given } from '#surfaces/slack/forms/layout.ts';
import { readField } from '#surfaces/slack/forms/read.ts';

/** The forms of the whole catalogue: what every tool with a command asks for, and how. */

let catalogue: Catalogue;
let registry: Registry;
beforeAll(async () => {
  catalogue = await loadCatalogue(new URL('../../../../tools/', import.meta.url));
  registry = commandRegistry(catalogue);
});

const view = (
  tool: string,
  input: Given = {},
  more = false,
  notes: readonly (readonly [string, string])[] = [],
) => {
  const route = registry.byTool(tool) ?? expect.fail(tool);
  return formView(route, catalogue, 'draft_1', {
    input,
    reason: null,
    notes: new Map(notes),
    names: new Map(),
    more,
  });
};
const inputsOf = (...of: Parameters<typeof view>): InputBlock[] =>
  view(...of).blocks.filter((block): block is InputBlock => block.type === 'input');
const blocksOf = (...of: Parameters<typeof view>): string[] =>
  view(...of).blocks.map((block) => block.block_id ?? block.type);

/** Every field, and every member of a group, by its path. */
const leaves = (fields: readonly Field[], under: string): (Field & { path: string })[] =>
  fields.flatMap((field) =>
    field.kind === 'group'
      ? leaves(field.parts, `${under}.${field.name}`)
      : [{ ...field, path: `${under}.${field.name}` }],
  );

describe('every tool with a command', () => {
  test('asks for nothing as JSON, also where it asks for another tool’s input', () => {
    const asked = registry.routes.flatMap(({ entry, fields }) => {
      const others = fields.some(({ kind }) => kind === 'input') ? registry.routes : [];
      const settled = others.map((other) =>
        settledFields(fields, { tool: other.entry.tool.name }, catalogue),
      );
      return leaves([fields, ...settled].flat(), entry.tool.name);
    });
    expect(asked.filter(({ kind }) => kind === 'json').map(({ path }) => path)).toEqual([]);
    // Written by a program, and pasted as a whole. Nothing else is.
    expect(asked.filter(({ kind }) => kind === 'document').map(({ path }) => path)).toEqual(
      expect.arrayContaining(['spiffe_bundle_set.bundle']),
    );
    expect(new Set(asked.filter(({ kind }) => kind === 'document').map(({ name }) => name))).toEqual(
      new Set(['bundle']),
    );
  });

  test('has a form that Slack takes, folded and unfolded, in which no hint speaks of JSON or of how to type what is picked', () => {
    for (const { entry } of registry.routes)
      for (const more of [false, true]) {
        const drawn = view(entry.tool.name, {}, more);
        expect([entry.tool.name, checkView(drawn, 'modal')]).toEqual([entry.tool.name, []]);
        const hints = inputsOf(entry.tool.name, {}, more)
          .filter(({ element }) => element.type.includes('external'))
          .map(({ hint }) => hint?.text ?? '');
        expect(hints.filter((hint) => /JSON|name or id|person id|work email/i.test(hint))).toEqual([]);
      }
  });

  test('has a form that Slack takes whatever was typed into its fields', () => {
    const odd = [
      '',
      'x'.repeat(200),
      '<!channel>',
      '\u202egnp',
      'é'.repeat(3100),
      1e21,
      -5,
      true,
      ['a'.repeat(151)],
      [],
      {},
      null,
    ];
    for (const { entry, fields } of registry.routes)
      for (const value of odd) {
        const input = Object.fromEntries(fields.map(({ name }) => [name, value]));
        const notes = fields.map(({ name }) => [name, 'This is wrong. '.repeat(300)] as const);
        expect([
          entry.tool.name,
          value,
          checkView(view(entry.tool.name, input, false, notes), 'modal'),
        ]).toEqual([entry.tool.name, value, []]);
      }
  });

  test('asks for what it needs before what may be left out', () => {
    for (const { entry, fields } of registry.routes) {
      const needed = fields.map((field) => field.required || field.unless !== null);
      const shown = blocksOf(entry.tool.name, {}, true).filter((id) => id.startsWith('field.'));
      const order = shown
        .map((id) => fields.findIndex(({ name }) => name === id.split('.')[1]))
        .filter((index) => index >= 0)
        .map((index) => needed[index]);
      expect([entry.tool.name, order.toSorted((one, other) => Number(other) - Number(one))]).toEqual([
        entry.tool.name,
        order,
      ]);
    }
  });
});

describe('/mandate create', () => {
  const first = ['field.agent', 'field.scopes', 'field.purpose', 'field.days', 'field.reason', MORE_BLOCK];

  test('asks for agent, scopes, purpose and days; everything else is behind a button', () => {
    expect(blocksOf('mandate_create').slice(1)).toEqual(first);
    const more = blocksOf('mandate_create', {}, true).slice(1);
    expect(more.slice(0, 4)).toEqual(first.slice(0, 4));
    expect(more).toEqual(
      expect.arrayContaining([
        'field.template',
        'field.max_uses',
        'field.window.days',
        'field.window.timezone',
      ]),
    );
    expect(more).not.toContain(MORE_BLOCK);
  });

  test('shows what was given and what is wrong, wherever it belongs', () => {
    expect(blocksOf('mandate_create', { max_uses: 3 })).toContain('field.max_uses');
    const wrong = blocksOf('mandate_create', {}, false, [['window.from', 'This is no time.']]);
    expect(wrong.slice(wrong.indexOf('field.window.from'))[1]).toBe('note.window.from');
    expect(wrong).not.toContain('field.max_uses');
  });

  test('needs scopes and purpose until a template is chosen, which is told at once', () => {
    const optional = (input: Given) =>
      Object.fromEntries(
        inputsOf('mandate_create', input, true).map((block) => [
          block.block_id,
          [block.optional, block.dispatch_action ?? false],
        ]),
      );
    expect(optional({})).toMatchObject({
      'field.agent': [false, false],
      'field.scopes': [false, false],
      'field.purpose': [false, false],
      'field.template': [true, true],
    });
    expect(optional({ template: 'Help desk' })).toMatchObject({
      'field.agent': [false, false],
      'field.scopes': [true, false],
      'field.purpose': [true, false],
    });
  });

  test('asks for the hours with days, two times and a time zone, and reads them as the tool wants them', () => {
    const window = { days: [1, 5], from: '08:00', to: '18:30', timezone: 'Europe/Vienna' };
    const drawn = inputsOf('mandate_create', { window }).flatMap((block) =>
      block.block_id?.startsWith('field.window.') === true ? [block.element.type] : [],
    );
    expect(drawn).toEqual(['multi_static_select', 'timepicker', 'timepicker', 'external_select']);
    const fields = registry.byTool('mandate_create')?.fields ?? [];
    const [field] = fields.filter(({ name }) => name === 'window') as [Field];
    const entered = {
      'field.window.days': { x: { selected_options: [{ value: '5' }, { value: '1' }] } },
      'field.window.from': { x: { selected_time: '08:00' } },
      'field.window.to': { x: { selected_time: '18:30' } },
      'field.window.timezone': { x: { selected_option: { value: 'Europe/Vienna' } } },
    };
    expect(readField(field, entered)).toEqual({ value: window, problems: [] });
    expect(readField(field, {})).toEqual({ problems: [] });
  });
});

test('/policy who-can asks for the input of the tool once that is chosen, with its own controls', () => {
  expect(blocksOf('who_can')).not.toContain('field.input.person');
  expect(blocksOf('who_can', { tool: 'okta_reset_mfa' })).toContain('field.input.person');
  expect(blocksOf('who_can', { tool: 'mandate_create' })).toContain('field.input.window.days');
  const choice = view('who_can').blocks.find(({ block_id: id }) => id === 'field.tool');
  expect(choice).toMatchObject({ dispatch_action: true });
});

test('a field that can be empty keeps its description', () => {
  const schema = z.toJSONSchema(z.object({ until: z.iso.datetime().nullable().describe('Until when.') }));
  expect(fieldsIn(schema)).toMatchObject([{ kind: 'moment', description: 'Until when.' }]);
});
