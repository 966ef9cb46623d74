import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { TENANT_TARGET, type AnyTool } from '#engine/tool.ts';
import { checkView } from '#sandbox/slack/index.ts';
import { formView } from '#surfaces/slack/forms/draw.ts';
import { fieldsOf } from '#surfaces/slack/forms/fields.ts';
import { readEntered } from '#surfaces/slack/forms/read.ts';

const input = z.object({
  who: z.string().meta({ ref: 'person' }).describe('Whom.'),
  helper: z.string().meta({ ref: 'agent' }).optional().describe('Which agent.'),
  note: z.string().max(5000).meta({ multiline: true }).describe('A long text.'),
  mode: z.enum(['soft', 'hard']).default('soft').describe('How.'),
  days: z.number().int().min(1).max(366).describe('How long.'),
  ratio: z.number().optional().describe('Part of it.'),
  urgent: z.boolean().describe('Whether it is urgent.'),
  tags: z.array(z.enum(['a', 'b'])).describe('Which.'),
  scopes: z.array(z.string()).describe('Scopes.'),
  until: z.iso.datetime().nullable().describe('Until when.'),
  extra: z.record(z.string(), z.unknown()).optional().describe('Anything.'),
});
const tool = {
  name: 'demo_tool',
  title: 'A tool whose title is too long for a modal',
  description: 'Does.',
  effects: 'act',
  input,
  output: z.object({}),
  scope: 's',
  targets: () => TENANT_TARGET,
} as unknown as AnyTool;
const entry: CatalogueEntry = {
  tool,
  family: 'demo',
  inputSchema: z.toJSONSchema(input, { io: 'input' }),
  outputSchema: {},
  contractDigest: '',
};
const fields = fieldsOf(entry);
const form = { entry, fields, positional: [] };
const catalogue = { get: () => undefined };
const field = (name: string) => fields.find((one) => one.name === name) ?? expect.fail(name);

describe('a form drawn from a tool’s schema', () => {
  const given = {
    who: 'usr_1',
    note: 'x',
    days: 3,
    urgent: true,
    tags: ['b'],
    scopes: ['p', 'q'],
    until: '2027-01-01T00:00:00Z',
    extra: { k: 1 },
  };

  test.each([
    ['empty', {}],
    ['prefilled', given],
  ])('%s, it is one that Slack takes', (_, filled) => {
    const view = formView(form, catalogue, 'draft_1', {
      input: filled,
      reason: 'because',
      notes: new Map([['days', 'Give a number.']]),
      names: new Map([['usr_1', 'Ann Lee']]),
      more: true,
    });
    expect(checkView(view, 'modal')).toEqual([]);
    expect(view.private_metadata).toBe('draft_1');
    expect(JSON.stringify(view).includes('Ann Lee')).toBe('who' in filled);
  });

  test('asks for each kind of value with the element for it', () => {
    const view = formView(form, catalogue, 'draft_1', {
      input: {},
      reason: null,
      notes: new Map(),
      names: new Map(),
      more: true,
    });
    const elements = view.blocks.flatMap((block) =>
      block.type === 'input' && 'element' in block ? [block.element.type] : [],
    );
    expect(elements).toEqual([
      'external_select',
      'plain_text_input',
      'number_input',
      'checkboxes',
      'multi_static_select',
      'plain_text_input',
      'datetimepicker',
      'external_select',
      'static_select',
      'number_input',
      'plain_text_input',
      'plain_text_input',
    ]);
  });
});

test.each([
  ['who', { type: 'external_select', selected_option: { value: 'usr_1' } }, 'usr_1'],
  ['days', { type: 'number_input', value: '7' }, 7],
  ['urgent', { type: 'checkboxes', selected_options: [] }, false],
  ['urgent', { type: 'checkboxes', selected_options: [{ value: 'yes' }] }, true],
  ['tags', { type: 'multi_static_select', selected_options: [{ value: 'a' }, { value: 'b' }] }, ['a', 'b']],
  ['scopes', { type: 'plain_text_input', value: 'p, q\n r ' }, ['p', 'q', 'r']],
  ['until', { type: 'datetimepicker', selected_date_time: 1_800_000_000 }, '2027-01-15T08:00:00.000Z'],
  ['extra', { type: 'plain_text_input', value: '{"a":[1]}' }, { a: [1] }],
])('what is entered for %s is read as the tool wants it', (name, state, value) => {
  expect(readEntered(field(name), state)).toEqual({ value });
});

test('what is left empty is not given, and what is no JSON or no number is said', () => {
  expect(readEntered(field('note'), { type: 'plain_text_input', value: null })).toBeNull();
  expect(readEntered(field('note'), { type: 'plain_text_input', value: '   ' })).toBeNull();
  expect(readEntered(field('who'), { type: 'external_select', selected_option: null })).toBeNull();
  expect(readEntered(field('extra'), { type: 'plain_text_input', value: '{' })).toEqual({
    problem: 'Give JSON.',
  });
  expect(readEntered(field('days'), { type: 'number_input', value: '1e9' })).toEqual({
    problem: 'Give a number.',
  });
});
