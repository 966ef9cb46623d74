import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { samplePerson } from '#sandbox/company.ts';
import { slackDriver, type SimMessage } from '#sandbox/slack/index.ts';

/**
 * Prepares a running sandbox for the example: Dana registers the agent with its public key, Bob gives it a
 * mandate, Mona approves that, all in the simulated Slack; Bob's simulated Okta gives his access token.
 * Writes the settings to `agent.env` in the sandbox's folder.
 */
const folder = process.env['PROKURA_DATA'] ?? '.prokura';
const read = async (name: string): Promise<Record<string, unknown>> => {
  const file = join(folder, name);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    process.stderr.write(
      `There is no ${file}. Start a sandbox first (npm start), in this folder; if it keeps its data elsewhere, set PROKURA_DATA to that folder.\n`,
    );
    process.exit(1);
  });
  return JSON.parse(text) as Record<string, unknown>;
};
const [company, ports] = await Promise.all([read('sandbox-keys.json'), read('sandbox.json')]);
const issuer = String(company['issuer']);
const base = new URL(issuer).origin;
const adminKey = String((company['api_keys'] as Record<string, unknown>)['admin']);
const slack = slackDriver(`http://127.0.0.1:${String(ports['slackPort'])}`);
const oktaUrl = `http://127.0.0.1:${String(ports['oktaPort'])}`;

type LedgerEntry = { readonly data: Record<string, unknown> };

async function ledger(
  event: string,
  fits: (data: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
    const response = await fetch(`${base}/v1/ledger?event=${event}&limit=200`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    const { entries } = (await response.json()) as { entries: LedgerEntry[] };
    const found = entries.find(({ data }) => fits(data));
    if (found !== undefined) return found.data;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`There is no ${event} in the ledger after 15 seconds.`);
}

async function fillIn(person: string, command: string, fields: Record<string, string>): Promise<void> {
  const { view } = await slack.as(person).types(command);
  if (!view) throw new Error(`${command} opened no form.`);
  const sent = await slack.as(person).fills(view, fields).submits();
  if (sent.status !== 200 || sent.errors !== undefined)
    throw new Error(`${command} was refused: ${JSON.stringify(sent)}`);
}

const name = `example-${Date.now().toString(36)}`;
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
await fillIn('dana', `/agent register ${name}`, {
  Owner: 'Carl Jensen',
  Scopes: 'okta.mfa.reset, okta.users.read',
  'Public key': JSON.stringify(pair.publicKey.export({ format: 'jwk' })),
});
const { agent } = await ledger('AGENT_REGISTERED', (data) => data['name'] === name);

await fillIn('bob', '/mandate create', {
  Agent: name,
  Scopes: 'okta.mfa.reset, okta.users.read',
  Resources: 'team',
  Days: '7',
  Purpose: `Try the example agent ${name}`,
});
const asked = (message: SimMessage): boolean =>
  JSON.stringify(message).includes(name) && JSON.stringify(message.blocks).includes('"Approve"');
await slack.as('mona').clicks(await slack.as('mona').waitsFor(asked, 15_000), 'Approve');
const { mandate_id: mandateId } = await ledger('MANDATE_CREATED', (data) => data['agent'] === agent);

const answer = await fetch(`${oktaUrl}/_sandbox/tokens`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ login: samplePerson('bob').email, scopes: ['delegation:exchange'] }),
});
const { token } = (await answer.json()) as { token: string };
const settings = {
  ISSUER: issuer,
  MCP_URL: `${base}/mcp`,
  AGENT_ID: String(agent),
  AGENT_KEY: JSON.stringify(pair.privateKey.export({ format: 'jwk' })),
  MANDATE_ID: String(mandateId),
  SUBJECT_TOKEN: token,
  TOOL: 'okta_reset_mfa',
  TOOL_INPUT: JSON.stringify({ person: samplePerson('ann').email, reason: 'Ann has lost her phone' }),
};
const file = join(folder, 'agent.env');
const lines = Object.entries(settings).map(([key, value]) => `${key}='${value}'\n`);
await writeFile(file, lines.join(''), { mode: 0o600 });
process.stdout.write(`${name} is ready: ${String(agent)} with ${String(mandateId)}. Now run\n\n`);
process.stdout.write(`  node --env-file=${file} examples/agent/main.ts\n\n`);
process.stdout.write(
  `and approve as Mona in the simulated Slack at http://127.0.0.1:${String(ports['slackPort'])}\n`,
);
