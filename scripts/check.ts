import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStages } from './testing/stages.ts';

/**
 * Checks everything that a change may break, and says at the end what failed:
 *
 *     npm run check               all stages
 *     npm run check:static        without the tests
 *
 * A stage is a script of package.json.
 */
const STAGES = {
  format: 'format:check',
  lint: 'lint',
  types: 'types',
  'dead code': 'dead',
  'generated files': 'generate:check',
  migrations: 'db:check',
  tests: 'test',
};

const root = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string | undefined>;
};
const stages = Object.entries(STAGES)
  .filter(([name]) => name !== 'tests' || !process.argv.includes('--static'))
  .map(([name, script]) => {
    const command = scripts[script];
    if (command === undefined) throw new Error(`package.json has no script ${script}`);
    return { name, command };
  });
process.exitCode = await runStages(stages, root, (text) => process.stdout.write(text));
