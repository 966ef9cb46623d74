import type { PersonActor } from '#domain/actor.ts';
import { agentByReference } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { deniedWithTerms } from '#domain/approval/store.ts';
import { approvalNumber } from '#domain/approval/number.ts';
import { groupsByName, isGroupUid } from '#domain/group/store.ts';
import { isId } from '#lib/id.ts';
import { answerWords, code, sentence, strong, type AnswerReader, type Sentence } from './answer-words.ts';
import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { mayAtOnce } from './could-use.ts';
import { readContext } from './explain.ts';
import { namesIn } from './in-words.ts';
import { parseInput } from './input.ts';
import type { Reference } from './references.ts';

type Data = Readonly<Record<string, unknown>>;

/**
 * Something that a typed name may mean: what it is, in words, and the fields of the input that name it for
 * good.
 */
export interface Choice {
  readonly said: Sentence;
  readonly input: Data;
}

/** A list of things that have no name of their own, and what people call them by. */
interface Nameable {
  /** The tool that lists them: only what it shows this person can be named. */
  readonly list: string;
  readonly items: string;
  isIdItself(text: string): boolean;
  /**
   * What of the list is looked at for this text, one after the other until something fits; null: nothing can
   * fit.
   */
  asks(reader: TenantReader, text: string): Promise<readonly Data[] | null>;
  fits(item: Data, text: string): boolean;
  input(item: Data, field: string): Data;
}

/** So many things of one list are looked through. */
const MOST = 100;

const NAMEABLE: Readonly<Partial<Record<Reference, Nameable>>> = {
  // A mandate is called by its agent. One that has ended is meant only where none is open.
  mandate: {
    list: 'mandate_list',
    items: 'mandates',
    isIdItself: (text) => isId('mdt', text),
    asks: async (reader, text) => {
      const agent = await agentByReference(reader, text);
      return agent === null
        ? null
        : ['open', 'all'].map((state) => ({ agent: agent.id, state, limit: MOST }));
    },
    fits: () => true,
    input: (item, field) => ({ [field]: item['mandate_id'] }),
  },
  // A request is called by its number, or by somebody whom it concerns.
  approval: {
    list: 'approval_list',
    items: 'approvals',
    isIdItself: (text) => isId('apr', text),
    asks: () => Promise.resolve([{ limit: MOST }]),
    fits: (item, text) => {
      const { number, asked_by: askedBy, agent, summary } = item;
      return isCalled(text, String(number), [askedBy, agent, summary]);
    },
    input: (item, field) => ({ [field]: item['approval_id'] }),
  },
};

/** Whether a text is a request's number, or words of what else it is called by. */
function isCalled(text: string, number: string, others: readonly unknown[]): boolean {
  const named = text.replace(/^#/, '');
  if (/^\d+$/.test(named)) return number === named;
  return others.some((value) => typeof value === 'string' && hasWords(value, named));
}

/** Whether the words stand in the text as they are, whatever the case. */
function hasWords(text: string, wanted: string): boolean {
  const plain = (value: string): string =>
    ` ${value
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}@.]+/gu, ' ')
      .trim()} `;
  return plain(wanted).trim() !== '' && plain(text).includes(plain(wanted));
}

/** A field with what a person typed there. */
interface Typed {
  /** The tool that is asked for. */
  readonly entry: CatalogueEntry;
  /** All that is known of its input. */
  readonly input: Data;
  readonly field: string;
  readonly kind: Reference;
  readonly text: string;
}

/**
 * What a text that a person typed may name, among what this person may see. Null where nothing is looked up:
 * the field names nothing of the kind, the text is an id, or this person may not look at once. Never guesses:
 * whoever asks must choose where there are several. Decides nothing.
 */
export async function byName(
  app: App,
  reader: TenantReader,
  actor: PersonActor,
  typed: Typed,
): Promise<readonly Choice[] | null> {
  const { kind, field, text } = typed;
  if (kind === 'group') return findGroups(app, reader, actor, typed);
  const nameable = NAMEABLE[kind];
  if (nameable === undefined || nameable.isIdItself(text)) return null;
  // No list shows them: they wait for nothing any more.
  if (typed.entry.tool.name === 'approval_adopt') return findAdoptable(reader, actor, typed);
  const entry = app.catalogue.get(nameable.list);
  if (entry === undefined || !(await mayAtOnce(app, reader, actor, entry, {}))) return null;
  const { tool } = entry;
  if (tool.effects !== 'read') return null;
  for (const asked of (await nameable.asks(reader, text)) ?? []) {
    const output: Data = await tool.run(readContext(app, reader, actor), parseInput(entry, asked));
    const items = (output[nameable.items] as readonly Data[]).filter((item) => nameable.fits(item, text));
    if (items.length === 0) continue;
    const said = answerWords(tool).lists[nameable.items];
    const asking: AnswerReader = { personId: actor.personId, asked, names: await namesIn(reader, items) };
    return items.map((item) => ({
      said: said?.sentence(item, asking) ?? [],
      input: nameable.input(item, field),
    }));
  }
  return [];
}

/** One's own requests that were denied with terms to adopt. */
async function findAdoptable(
  reader: TenantReader,
  { personId }: PersonActor,
  { field, text }: Typed,
): Promise<readonly Choice[]> {
  const denied = await deniedWithTerms(reader, personId, MOST);
  return denied
    .map((one) => ({ ...one, number: approvalNumber(one.id) }))
    .filter(({ number, summary, agent }) => isCalled(text, number, [summary, agent]))
    .map(({ id, number, summary, decidedAt }) => ({
      said: sentence`${strong(summary)}, denied ${decidedAt ?? ''}. Request ${code(number)}.`,
      input: { [field]: id },
    }));
}

/** Whether this person sees at once what groups give, and so which groups there are. */
export async function seesGroups(app: App, reader: TenantReader, actor: PersonActor): Promise<boolean> {
  const entry = app.catalogue.get('group_mapping_list');
  return entry !== undefined && (await mayAtOnce(app, reader, actor, entry, {}));
}

/**
 * Groups of the directory by name, for those who see what groups give; of the source that is named, where one
 * is. A text that is a group's id is that id, whatever else is called so: whoever names groups at a source
 * must not choose what an id means. One that is no group's name is left as it is too.
 */
async function findGroups(
  app: App,
  reader: TenantReader,
  actor: PersonActor,
  { text, input, field }: Typed,
): Promise<readonly Choice[] | null> {
  if (!(await seesGroups(app, reader, actor))) return null;
  if (await isGroupUid(reader, text)) return null;
  const source = typeof input['source'] === 'string' ? input['source'] : null;
  const found = await groupsByName(reader, { name: text, source }, MOST);
  if (found.length === 0) return null;
  return found.map((one) => ({
    said: sentence`${strong(one.name)}, from ${one.source} (${one.uid})`,
    input: { [field]: one.uid, source: one.source },
  }));
}
