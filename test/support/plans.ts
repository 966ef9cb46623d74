import type postgres from 'postgres';

/**
 * One statement as PostgreSQL ran it, also inside a function: its text and the tables that it read through.
 */
export interface RunPlan {
  readonly text: string;
  /** The tables of which it looked at every row. */
  readonly readThrough: readonly string[];
  /** How often it looked into each table. */
  readonly looks: Readonly<Record<string, number>>;
  /** Whether its plan was made for any values of its parameters, and so only once on the connection. */
  readonly generic: boolean;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops'?: number;
  readonly Plans?: readonly PlanNode[];
}

/**
 * The driver, with which each connection of the server's role tells `heard` of the plan of every statement.
 * The database's owner must be a superuser, as in tests.
 */
export const explaining = (driver: typeof postgres, heard: (plan: RunPlan) => void): typeof postgres => {
  const open = (url: string, options: postgres.Options<Record<string, never>> = {}) =>
    driver(
      url,
      options.connection?.['role'] === undefined
        ? options
        : {
            ...options,
            connection: { ...options.connection, ...EXPLAIN },
            onnotice: (notice) => {
              const found = /^duration: .*plan:\n(.*)$/s.exec(notice['message'] ?? '')?.[1];
              if (found !== undefined) heard(planOf(found));
            },
          },
    );
  return Object.assign(open, driver) as typeof postgres;
};

// Source: PostgreSQL manual, appendix F, "auto_explain".
const EXPLAIN = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_format': 'json',
  'auto_explain.log_level': 'notice',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
} as const;

function planOf(json: string): RunPlan {
  const { 'Query Text': text, Plan: root } = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
  const looks: Record<string, number> = {};
  for (const node of nodesOf(root)) {
    const table = node['Relation Name'];
    if (table !== undefined) looks[table] = (looks[table] ?? 0) + (node['Actual Loops'] ?? 0);
  }
  const readThrough = nodesOf(root).flatMap((node) =>
    node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : [],
  );
  return { text, looks, readThrough: [...new Set(readThrough)], generic: /\$\d/.test(JSON.stringify(root)) };
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
