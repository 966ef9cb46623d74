import { parseArgs } from 'node:util';
import { BENCHMARKS, GROUPS, NAMED_ONLY } from './benchmarks.ts';
import { jsonLine, textLine, writeReadme, type Row } from './harness/report.ts';
import { openStage, type Stage } from './harness/stage.ts';

const USAGE = `npm run bench -- [name ...] [--json] [--write]

Names: ${[...BENCHMARKS.keys()].join(' ')} (without one: all but ${[...NAMED_ONLY].join(' and ')})
Groups: ${[...GROUPS].map(([name, members]) => `${name} (${members.join(' ')})`).join(', ')}
--json   one JSON object a measure on stdout, nothing else
--write  puts the rows into bench/README.md`;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean' }, write: { type: 'boolean' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

const { values, positionals: asked } = options();
const positionals = asked.flatMap(
  (name) => GROUPS.get(name)?.filter((member) => BENCHMARKS.has(member)) ?? [name],
);
if (values.help === true) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const unknown = positionals.find((name) => !BENCHMARKS.has(name));
if (unknown !== undefined)
  fail(`There is no benchmark "${unknown}". Names: ${[...BENCHMARKS.keys()].join(' ')}`);
const scale = Number(process.env['BENCH_SCALE'] ?? 1);
if (!(scale > 0 && scale <= 100))
  fail('BENCH_SCALE must be a number above 0, at most 100: it multiplies every number of operations.');

let opening: Promise<Stage> | null = null;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopped) process.exit(1);
    stopped = true;
    // Finish opening first: a half-open stage cannot be closed.
    void Promise.resolve(opening?.then((stage) => stage.close())).finally(() => process.exit(1));
  });
}

try {
  const rows: Row[] = [];
  opening = openStage(scale);
  const stage = await opening;
  for (const [name, run] of BENCHMARKS) {
    if (positionals.length > 0 ? !positionals.includes(name) : NAMED_ONLY.has(name)) continue;
    for (const row of await run(stage)) {
      rows.push(row);
      process.stdout.write(`${values.json === true ? jsonLine(row) : textLine(row)}\n`);
    }
  }
  if (values.write === true) await writeReadme(rows);
} catch (error) {
  if (!stopped)
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await opening?.then(
    (stage) => stage.close(),
    () => {},
  );
}
