import type { Wire } from '../types.ts';
import { BLOCK_RULES } from './rules.ts';
import {
  all,
  boolean,
  byType,
  isWire,
  list,
  object,
  string,
  when,
  type Check,
  type Inspection,
  type Surface,
} from './shape.ts';
import { menuOption, plainText } from './text.ts';

/** How many blocks each surface takes. */
const MAX_BLOCKS: Readonly<Record<Surface, number>> = { message: 50, modal: 100, home: 100 };

const onSurface = (type: string, surfaces: readonly Surface[]): Check =>
  when(
    (_, { surface }) =>
      !surfaces.includes(surface) && `unsupported type: ${type} is not allowed in a ${surface}`,
  );

const anyBlock: Check = byType(
  Object.fromEntries(
    Object.entries(BLOCK_RULES).map(([type, rule]) => [
      type,
      all(onSurface(type, rule.surfaces), rule.check),
    ]),
  ),
);

const METADATA = {
  callback_id: string(255, 0),
  external_id: string(255, 0),
  private_metadata: string(3000, 0),
};
const anything: Check = () => undefined;
const VIEWS: Readonly<Record<'modal' | 'home', Check>> = {
  modal: object({
    required: { title: plainText(24), blocks: anything },
    optional: {
      ...METADATA,
      submit: plainText(24),
      close: plainText(24),
      clear_on_close: boolean,
      notify_on_close: boolean,
      submit_disabled: boolean,
    },
  }),
  home: object({ required: { blocks: anything }, optional: METADATA }),
};

/** What Slack would refuse about the blocks of a message, in its words; empty where it would take them. */
export function checkMessageBlocks(blocks: unknown): string[] {
  return inspect('message', (inspection) => inspectBlocks(blocks, '/blocks', inspection, 0));
}

/** What Slack would refuse about a view for `views.open`, `update`, `push` (modal) or `publish` (home). */
export function checkView(view: unknown, type: 'modal' | 'home'): string[] {
  return inspect(type, (inspection) => {
    if (!isWire(view)) return inspection.report('must be an object', '/view');
    if (view['type'] !== type)
      return inspection.report(`unsupported type: ${String(view['type'])}`, '/view/type');
    VIEWS[type](view, '/view', inspection);
    inspectBlocks(view['blocks'], '/view/blocks', inspection, type === 'home' ? 0 : 1);
    const blocks = Array.isArray(view['blocks']) ? view['blocks'].filter(isWire) : [];
    const asks = blocks.some((block) => block['type'] === 'input');
    if (type === 'modal' && asks && view['submit'] === undefined)
      inspection.report('missing required field: submit', '/view');
    const focused = blocks.flatMap(elementsOf).filter((element) => element['focus_on_load'] === true);
    if (focused.length > 1) inspection.report('only one element can have focus_on_load', '/view/blocks');
  });
}

/** What Slack would refuse about the options that an app answers to an external menu. */
export const checkOptions = (options: unknown): string[] =>
  inspect('modal', (inspection) => list(menuOption, 100, 0)(options, '/options', inspection));

function inspect(surface: Surface, look: (inspection: Inspection) => void): string[] {
  const problems: string[] = [];
  look({
    surface,
    report: (problem, pointer) => problems.push(`[ERROR] ${problem} [json-pointer:${pointer}]`),
  });
  return problems;
}

function inspectBlocks(blocks: unknown, at: string, inspection: Inspection, min: number): void {
  list(anyBlock, MAX_BLOCKS[inspection.surface], min)(blocks, at, inspection);
  if (!Array.isArray(blocks)) return;
  const known = blocks.filter(isWire);
  refuseTwins(
    known.map((block) => block['block_id']),
    'block_id',
    at,
    inspection,
  );
  known.forEach((block, index) =>
    refuseTwins(
      elementsOf(block).map((element) => element['action_id']),
      'action_id',
      `${at}/${index}`,
      inspection,
    ),
  );
  const total = known
    .filter((block) => block['type'] === 'markdown')
    .reduce((sum, block) => sum + String(block['text']).length, 0);
  if (total > 12_000) inspection.report('markdown blocks must be less than 12001 characters together', at);
  if (known.filter((block) => block['type'] === 'table').length > 1)
    inspection.report('no more than 1 table block allowed', at);
}

function refuseTwins(ids: readonly unknown[], name: string, at: string, inspection: Inspection): void {
  const seen = new Set<unknown>();
  for (const id of ids) {
    if (id === undefined) continue;
    if (seen.has(id)) inspection.report(`\`${name}\` ${JSON.stringify(id)} already exists`, at);
    seen.add(id);
  }
}

/**
 * The interactive elements of a block, at any depth: accessory, input, actions, cards' buttons, a container's
 * children.
 */
export function elementsOf(block: Wire): Wire[] {
  const nested = [
    block['accessory'],
    block['element'],
    block['elements'],
    block['actions'],
    block['child_blocks'],
  ]
    .flat()
    .filter(isWire);
  if (block['type'] === 'rich_text' || block['type'] === 'context') return [];
  return nested.flatMap((one) =>
    one['type'] === 'card' || 'child_blocks' in block ? elementsOf(one) : [one],
  );
}
