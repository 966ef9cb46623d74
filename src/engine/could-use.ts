import type { PersonActor } from '#domain/actor.ts';
import { listAgents } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { listMandates } from '#domain/mandate/list.ts';
import { someoneAround } from '#domain/person/store.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide, type Decision } from './decide/decide.ts';
import { referenceFields, resolveReferences } from './references.ts';
import type { Targets } from './tool.ts';

type Data = Readonly<Record<string, unknown>>;

/** Kinds of references that can be what policy decides about. Scopes, tools, roles and the like never are. */
const TARGET_KINDS: ReadonlySet<string> = new Set(['person', 'agent', 'mandate', 'approval', 'freezable']);

/**
 * Whether policy would let this person use the tool with these fields, now, at once or after an approval.
 * True where a field that names the target is still missing: that cannot be told. For what is offered to
 * people (buttons, help), and never in place of the decision on a call.
 */
export async function couldUse(
  app: Pick<App, 'policies'>,
  reader: TenantReader,
  actor: PersonActor,
  entry: CatalogueEntry,
  input: Data,
): Promise<boolean> {
  const found = await decisionOn(app, reader, actor, entry, input);
  return found === 'open' || found?.allowed === true;
}

/**
 * Whether policy lets this person use the tool with these fields now, at once: false where an approval is
 * needed first, and where a field that names the target is still missing. For reading on somebody's behalf
 * what the tool itself would show them.
 */
export async function mayAtOnce(
  app: Pick<App, 'policies'>,
  reader: TenantReader,
  actor: PersonActor,
  entry: CatalogueEntry,
  input: Data,
): Promise<boolean> {
  const found = await decisionOn(app, reader, actor, entry, input);
  return found !== 'open' && found?.allowed === true && found.saved.requirements.length === 0;
}

/**
 * What policy would decide with these fields: `open` where the target does not follow from them, null where
 * what they name is not there.
 */
async function decisionOn(
  app: Pick<App, 'policies'>,
  reader: TenantReader,
  actor: PersonActor,
  entry: CatalogueEntry,
  input: Data,
): Promise<Decision | 'open' | null> {
  const { required = [] } = entry.inputSchema as { required?: readonly string[] };
  const named = [...referenceFields(entry)].flatMap(([field, kind]) =>
    TARGET_KINDS.has(kind) && required.includes(field) ? [field] : [],
  );
  if (named.some((field) => input[field] === undefined)) return 'open';
  try {
    const targets = targetsOf(entry, await resolveReferences(reader, entry, actor, { ...input }));
    if (targets === null) return 'open';
    const question = { entry, actor, targets, adminRoles: new Map(), anyAge: true } as const;
    return await decide(reader, app.policies, question);
  } catch (error) {
    if (error instanceof Fault && error.code !== 'unavailable') return null;
    throw error;
  }
}

/** What it would act on; null where that does not follow from these fields. */
function targetsOf({ tool }: CatalogueEntry, input: Record<string, unknown>): Targets | null {
  try {
    return tool.targets(input);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/**
 * Those of the tools that this person can use on something: on a direct report, themselves or somebody else;
 * on an agent or a mandate of theirs, or any. Tried on a few examples, so a tool that a policy allows for one
 * particular target alone may be missing.
 */
export async function findUsable(
  app: Pick<App, 'policies'>,
  reader: TenantReader,
  actor: PersonActor,
  entries: readonly CatalogueEntry[],
): Promise<ReadonlySet<string>> {
  const examples = await findExamples(reader, actor.personId);
  const usable = await Promise.all(
    entries.map(async (entry) => {
      for (const input of examplesOf(entry, examples))
        if (await couldUse(app, reader, actor, entry, input)) return [entry.tool.name];
      return [];
    }),
  );
  return new Set(usable.flat());
}

type Examples = Readonly<Record<string, readonly string[]>>;

async function findExamples(reader: TenantReader, personId: string): Promise<Examples> {
  const [around, ownAgents, agents, ownMandates, mandates] = await Promise.all([
    someoneAround(reader, personId),
    listAgents(reader, { ownerId: personId, limit: 1 }),
    listAgents(reader, { limit: 1 }),
    listMandates(reader, { concerning: personId }, { limit: 1 }),
    listMandates(reader, {}, { limit: 1 }),
  ]);
  const ids = (...rows: readonly (readonly { readonly id: string }[])[]): string[] =>
    rows.flatMap((some) => some.map(({ id }) => id));
  return {
    person: [...(around === null ? [] : [around]), personId],
    freezable: [personId],
    agent: ids(ownAgents, agents),
    mandate: ids(ownMandates, mandates),
  };
}

/**
 * The tool's inputs to try: one for each example of what it is used on; one empty input where it takes
 * nothing of the kind.
 */
function examplesOf(entry: CatalogueEntry, examples: Examples): readonly Data[] {
  const { required = [], properties = {} } = entry.inputSchema as {
    required?: readonly string[];
    properties?: Readonly<Record<string, { items?: { pattern?: string } }>>;
  };
  const references = referenceFields(entry);
  const field = required.find((name) => examples[references.get(name) ?? ''] !== undefined);
  const people = required.find((name) => properties[name]?.items?.pattern?.startsWith('^usr_') === true);
  if (people !== undefined) return (examples['person'] ?? []).map((id) => ({ [people]: [id] }));
  if (field === undefined) return [{}];
  const ids = examples[references.get(field) ?? ''] ?? [];
  // Other references that it needs are filled in, so that they are not what keeps it from being tried.
  const rest = Object.fromEntries(
    required.flatMap((name) => {
      const [first] = examples[references.get(name) ?? ''] ?? [];
      return name === field || first === undefined ? [] : [[name, first]];
    }),
  );
  return ids.length === 0 ? [{}] : ids.map((id) => ({ ...rest, [field]: id }));
}
