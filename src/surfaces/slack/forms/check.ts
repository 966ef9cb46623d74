import type { TenantReader } from '#domain/context.ts';
import { unknownInWords, unknownScopes } from '#domain/scope/rules.ts';
import { scopesOf } from '#domain/scope/store.ts';
import { foresee, type Foreseen } from '#engine/foresee.ts';
import { readonly } from '#engine/transact.ts';
import { resolveReferences } from '#engine/references.ts';
import { summaryOf } from '#engine/summary.ts';
import { Fault } from '#lib/fault.ts';
import { read } from '#lib/problems.ts';
import type { Route } from '../commands/registry.ts';
import type { Slack } from '../context.ts';
import { problemsOf } from '../faults.ts';
import type { Identity } from '../identity.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Request } from '../request.ts';
import type { Field } from './fields.ts';
import type { Given, Notes } from './layout.ts';

export interface Checked {
  /** What is wrong, by path in the tool's input; empty where the tool takes the input. */
  readonly problems: Notes;
  /**
   * Those of it that are wrong with what was given. What is merely missing is not among them: an empty field
   * says so itself.
   */
  readonly notes: Notes;
  /** What was given and can stand in a form: without what names nothing that is there. */
  readonly usable: Given;
  /**
   * What the request is, in words: "Reset password for Ann Lee". The tool's title where it is not yet clear
   * on whom.
   */
  readonly summary: string;
  /** Names for every id in the input and in what it would change. */
  readonly names: ReadonlyMap<string, string>;
  /** What it would change, where that can be shown before it is asked. */
  readonly foreseen: Foreseen | null;
}

/**
 * Whether the tool takes this input as it is, before anything is asked: its schema, and its references to
 * people and agents. Says nothing of whether policy allows it.
 */
export async function checkRequest(
  slack: Slack,
  tenantId: string,
  { actor }: Identity,
  { entry, fields }: Pick<Route, 'entry' | 'fields'>,
  request: Request,
): Promise<Checked> {
  const { tool } = entry;
  const parsed = read(tool.input, request.input);
  const problems = new Map<string, string>();
  for (const { field: path, problem } of 'problems' in parsed ? parsed.problems : [])
    problems.set(path, inWords(problem, valueAt(request.input, path)));
  return readonly(slack.app, tenantId, async (reader) => {
    let { title: summary } = tool;
    let foreseen: Foreseen | null = null;
    const references = 'data' in parsed ? parsed.data : request.input;
    try {
      const input = await resolveReferences(reader, entry, actor, references);
      if ('data' in parsed) {
        summary = await summaryOf(reader, tool, tool.targets(input));
        foreseen = await foresee(slack.app, reader, { actor, entry, input });
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      for (const [path, problem] of problemsOf(error)) problems.set(path, problem);
    }
    const usable = await withoutUnknown(reader, fields, request.input, problems);
    const notes = new Map(
      [...problems].filter(([path]) => path === '' || valueAt(request.input, path) !== undefined),
    );
    const names = await namesIn(reader, [references, foreseen?.impact]);
    return { problems, notes, usable, summary, names, foreseen };
  });
}

/**
 * Says of each scope that is not there which one may be meant, and leaves out what names nothing: nobody and
 * nothing is prefilled on a guess.
 */
async function withoutUnknown(
  reader: TenantReader,
  fields: readonly Field[],
  input: Given,
  problems: Map<string, string>,
): Promise<Given> {
  const usable: Record<string, unknown> = { ...input };
  for (const field of fields) {
    const value = input[field.name];
    const single = field.kind === 'person' || field.kind === 'agent';
    if (single && problems.has(field.name)) delete usable[field.name];
    if (value === undefined || !('of' in field)) continue;
    if (field.of !== 'scope' && field.of !== 'scope_to_give') continue;
    const asked = [value].flat().filter((one) => typeof one === 'string');
    const catalogue = await scopesOf(reader);
    const unknown = unknownScopes(asked, catalogue);
    if (unknown.length === 0) continue;
    problems.set(field.name, unknownInWords(unknown, catalogue).join(' '));
    const known = asked.filter((one) => !unknown.includes(one));
    if (Array.isArray(value) && known.length > 0) usable[field.name] = known;
    else delete usable[field.name];
  }
  return usable;
}

function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const step of path === '' ? [] : path.split('.'))
    at = typeof at === 'object' && at !== null ? (at as Given)[step] : undefined;
  return at;
}

/** A schema's words as a sentence of their own. */
const inWords = (problem: string, value: unknown): string =>
  value === undefined && problem.startsWith('is ')
    ? 'Please fill this in.'
    : `${problem.charAt(0).toUpperCase()}${problem.slice(1)}${/[.?!]$/.test(problem) ? '' : '.'}`;
