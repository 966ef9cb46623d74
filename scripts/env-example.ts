import { Environment } from '../src/main/environment.ts';

/** The text of `.env.example`: every setting with its purpose. */
export function envExample(): string {
  const lines = Object.entries(Environment.shape).flatMap(([name, schema]) => {
    const value = 'defaultValue' in schema.def ? String(schema.def.defaultValue) : '';
    return ['', `# ${schema.description ?? ''}`, `${value === '' ? '# ' : ''}${name}=${value}`];
  });
  return `# Copy this file to .env: npm start reads it. Environment variables override it.\n# Without settings, you get a sandbox. PROKURA_MODE=live connects to your own Okta and Slack.\n${lines.join('\n')}\n`;
}
