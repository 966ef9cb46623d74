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
import { labelOf, namesIn } from '#engine/in-words.ts';
import type { Request } from '../run.ts';

export interface Checked {
  /** What is wrong, by field; empty where the tool takes the input. */
  readonly problems: ReadonlyMap<string, string>;
  /** The same as short phrases for people. */
  readonly wanting: readonly string[];
  /** What the request is, in words: "Reset password for Ann Lee". The tool's title where it is not yet clear on whom. */
  readonly summary: string;
  /** Names for every id in the input and in what it would change. */
  readonly names: ReadonlyMap<string, string>;
  /** What it would change, where that can be shown before it is asked. */
  readonly foreseen: Foreseen | null;
}

/**
 * Whether the tool takes this input as it is, before anything is asked: its schema, and its references to people and agents.
 * Says nothing of whether policy allows it.
 */
export async function checked(
  slack: Slack,
  tenantId: string,
  { actor }: Identity,
  { entry }: Pick<Route, 'entry'>,
  request: Request,
): Promise<Checked> {
  const { tool } = entry;
  const parsed = read(tool.input, request.input);
  const problems = new Map<string, string>();
  for (const { field: path, problem } of 'problems' in parsed ? parsed.problems : []) {
    const field = path.split('.')[0] ?? '';
    if (!problems.has(field)) problems.set(field, request.input[field] === undefined ? 'is needed' : problem);
  }
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
      for (const [field, problem] of problemsOf(error)) problems.set(field, problem);
    }
    const wanting = [...problems].map(([field, problem]) =>
      field === '' ? problem : `${labelOf(field)}: ${problem}`,
    );
    const names = await namesIn(reader, [references, foreseen?.impact]);
    return { problems, wanting, summary, names, foreseen };
  });
}
