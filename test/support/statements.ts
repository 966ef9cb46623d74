import type { World } from './world.ts';

/** A statement that a server sent, with its connection and its parameters. */
export interface Sent {
  readonly on: number;
  readonly text: string;
  readonly parameters: unknown[];
}

/** The statements of the last transaction that has one like `mark`. Throws if it is not there whole. */
export function transactionWith(statements: readonly Sent[], mark: RegExp): Sent[] {
  const at = statements.findLastIndex(({ text }) => mark.test(text));
  const there = statements
    .map((sent, index) => ({ ...sent, index }))
    .filter(({ on }) => on === statements[at]?.on);
  const begun = there.findLast(({ index, text }) => index < at && /^begin/i.test(text));
  const ended = there.find(({ index, text }) => index > at && /^commit/i.test(text));
  if (begun === undefined || ended === undefined) throw new Error(`no transaction around ${mark}`);
  return there.filter(({ index }) => index > begun.index && index < ended.index);
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops': number;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Node[];
}

/**
 * What is wrong with how the server's role runs a statement: it takes more than `most` rows of a table, or
 * reads and throws away more than that. Tables of fewer rows are not looked at.
 */
export async function badSteps(
  world: Pick<World, 'sql' | 'tenantId'>,
  { text, parameters }: Sent,
  most = 1500,
): Promise<string[]> {
  const plan = await world.sql.begin(async (tx) => {
    await tx`set local role prokura_server`;
    await tx`select set_config('app.tenant_id', ${world.tenantId}, true)`;
    const [row] = await tx.unsafe(`explain (analyze, format json) ${text}`, parameters as never[]);
    return (row!['QUERY PLAN'] as { Plan: Node }[])[0]!.Plan;
  });
  const large = new Set(
    (
      await world.sql<
        { name: string }[]
      >`select relname as name from pg_class where relkind = 'r' and reltuples > ${most}`
    ).map(({ name }) => name),
  );
  const wrong = (node: Node): string[] => {
    const { 'Relation Name': name, 'Node Type': type, 'Actual Loops': loops } = node;
    const removed = (node['Rows Removed by Filter'] ?? 0) * loops;
    const taken = node['Actual Rows'] * loops;
    const here =
      name !== undefined && large.has(name) && (removed > most || taken > most)
        ? [`${type} of ${name}, ${taken} rows taken, ${removed} removed: ${text.slice(0, 300)}`]
        : [];
    return [...here, ...(node.Plans ?? []).flatMap(wrong)];
  };
  return wrong(plan);
}
