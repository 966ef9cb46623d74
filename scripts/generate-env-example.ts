import { readFileSync, writeFileSync } from 'node:fs';
import { Environment } from '../src/environment.ts';

/** `.env.example`: every setting with what it is for. `--check` exits 1 where the file says something else. */
export function envExample(): string {
  const lines = Object.entries(Environment.shape).flatMap(([name, schema]) => {
    const value = 'defaultValue' in schema.def ? String(schema.def.defaultValue) : '';
    return ['', `# ${schema.description ?? ''}`, `${value === '' ? '# ' : ''}${name}=${value}`];
  });
  return `# Copy to .env and start with: node --env-file=.env src/main.ts\n# With nothing set you get a sandbox. All of OKTA_* and SLACK_* together make it live.\n${lines.join('\n')}\n`;
}

if (import.meta.main) {
  const file = new URL('../.env.example', import.meta.url);
  if (process.argv.includes('--check')) {
    if (readFileSync(file, 'utf8') !== envExample()) {
      console.error('.env.example is stale: npm run generate');
      process.exit(1);
    }
  } else writeFileSync(file, envExample());
}
