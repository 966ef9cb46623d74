import type { PersonActor } from '#domain/actor.ts';
import { agentByReference } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { groupsByName } from '#domain/group/store.ts';
import { isId } from '#lib/id.ts';
import { answerWords, sentence, strong, type AnswerReader, type Sentence } from './answer-words.ts';
import type { App } from './app.ts';
import { couldUse } from './could-use.ts';
import { readContext } from './explain.ts';
import { namesIn } from './in-words.ts';
import { parseInput } from './input.ts';
import type { Reference } from './references.ts';

type Data = Readonly<Record<string, unknown>>;

/** Something that a typed name may mean: what it is, in words, and the fields of the input that name it for good. */
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
  /** What of the list is looked at for this text, one after the other until something fits; null: nothing can fit. */
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
      const named = text.replace(/^#/, '');
      if (/^\d+$/.test(named)) return item['number'] === named;
      return [item['asked_by'], item['agent'], item['summary']].some(
        (value) => typeof value === 'string' && hasWords(value, named),
      );
    },
    input: (item, field) => ({ [field]: item['approval_id'] }),
  },
};

/** Whether the words stand in the text as they are, whatever the case. */
function hasWords(text: string, wanted: string): boolean {
  const plain = (value: string): string =>
    ` ${value
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}@.]+/gu, ' ')
      .trim()} `;
  return plain(wanted).trim() !== '' && plain(text).includes(plain(wanted));
}

/**
 * What a text that a person typed may name, among what this person may see. Null where nothing is looked up: the field names nothing of
 * the kind, the text is an id, or this person may not look. Never guesses: whoever asks must choose where there are several. Decides nothing.
 */
export async function byName(
  app: App,
  reader: TenantReader,
  actor: PersonActor,
  { kind, field, text }: { readonly kind: Reference; readonly field: string; readonly text: string },
): Promise<readonly Choice[] | null> {
  if (kind === 'group') return groups(app, reader, actor, text);
  const nameable = NAMEABLE[kind];
  if (nameable === undefined || nameable.isIdItself(text)) return null;
  const entry = app.catalogue.get(nameable.list);
  if (entry === undefined || !(await couldUse(app, reader, actor, entry, {}))) return null;
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

/** Groups of the directory by name, for those who see what groups give. A text that is no group's name may be an id: it is left as it is. */
async function groups(
  app: App,
  reader: TenantReader,
  actor: PersonActor,
  text: string,
): Promise<readonly Choice[] | null> {
  const entry = app.catalogue.get('group_mapping_list');
  if (entry === undefined || !(await couldUse(app, reader, actor, entry, {}))) return null;
  const found = await groupsByName(reader, text, MOST);
  if (found.length === 0) return null;
  return found.map(({ name, source, uid }) => ({
    said: sentence`${strong(name)}, from ${source} (${uid})`,
    input: { group: uid, source },
  }));
}
