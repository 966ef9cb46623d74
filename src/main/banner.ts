import type { SetUpAnswer } from '#engine/set-up.ts';
import type { Config } from './config.ts';
import type { Sandbox } from './sandbox-mode.ts';
import type { RunningServer } from './server.ts';

/**
 * What is printed after the start: what is real and what is simulated, the addresses, and what to try first.
 * Contains no secret, only the files in which secrets are.
 */
export function banner(parts: {
  config: Config;
  server: RunningServer;
  sandbox: Sandbox | null;
  company: SetUpAnswer | null;
  tokenFile: string | null;
}): string {
  const { config, server, sandbox, company, tokenFile } = parts;
  const { baseUrl } = server.app;
  const lines = [
    '',
    `  Prokura listens at ${listening(config, server)}`,
    ...(config.publicUrl === null ? [] : [`  reached as ${config.publicUrl}`]),
    `  database  ${config.databaseUrl === null ? `embedded PostgreSQL in ${config.dataFolder}/ (real)` : 'your own, from DATABASE_URL (real)'}`,
    ...(sandbox === null ? live(server, tokenFile) : sandboxLines(config, sandbox, company)),
    '',
    `  MCP       ${baseUrl}/mcp`,
    `  REST      ${baseUrl}/v1/openapi.json`,
    `  SCIM      ${baseUrl}/v1/scim/v2`,
    `  health    ${baseUrl}/healthz  ${baseUrl}/readyz`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** Where this process listens, beside the address under which others reach it. */
function listening({ host }: Config, { url }: RunningServer): string {
  const { port } = new URL(url);
  return host === '127.0.0.1' ? url : `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function sandboxLines(config: Config, sandbox: Sandbox, company: SetUpAnswer | null): string[] {
  return [
    '',
    '  This is a SANDBOX: Okta and Slack are simulators on this machine, with the sample company Acme.',
    '  Everything else (policies, mandates, approvals, tokens, the audit ledger) is real.',
    '',
    `  Slack     ${sandbox.slackUrl}   simulated: open this page, choose Bob, and type`,
    '                                      /okta reset password @ann',
    `  Okta      ${sandbox.oktaUrl}   simulated: open this page to see people and their status`,
    ...(company === null
      ? []
      : [`  tenant    ${company.tenant_id}   API keys: ${config.dataFolder}/sandbox-keys.json`]),
    '',
    '  To see the whole story step by step, on a separate instance:  npm run demo',
    '  To connect your own Okta and Slack, see "Going live" in README.md.',
  ];
}

const LIVE =
  '  live      your own Okta and Slack. Checks run now and log what fails. To run them again: npm run prokura -- check';

function live(server: RunningServer, tokenFile: string | null): string[] {
  const { baseUrl } = server.app;
  if (tokenFile === null) return [LIVE];
  return [
    LIVE,
    '',
    '  There is no tenant yet.',
    '',
    '  Create it once, with its first administrators:',
    `    curl -X POST ${baseUrl}/v1/bootstrap -H "Authorization: Bearer $(cat ${tokenFile})" \\`,
    '      -H "Content-Type: application/json" \\',
    `      -d '{"tenant":"Acme","administrators":["you@your-company.com"],"groups":{"it_admin":"00g…","manager":"00g…","executive":"00g…","member":"00g…"}}'`,
  ];
}
