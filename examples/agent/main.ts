import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createClient, mcpTransportFetch, ProkuraError, scopeList, type Jwk } from 'prokura/client';

/** One line of what happens. */
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** A setting of this agent; see README.md. */
function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`Set ${name}; examples/agent/README.md says how.`);
  return value;
}

/** The part of a tool's answer that this agent reads. */
interface Answer {
  readonly status: string;
  readonly approval_id?: string;
  readonly approvers?: readonly string[];
  readonly action_summary?: string;
  readonly reason?: string;
  readonly result?: unknown;
}

async function main(): Promise<number> {
  const client = createClient({
    issuer: setting('ISSUER'),
    clientId: setting('AGENT_ID'),
    privateKey: JSON.parse(setting('AGENT_KEY')) as Jwk,
  });
  const request = { subject_token: setting('SUBJECT_TOKEN'), mandate_id: setting('MANDATE_ID') };

  const token = await client.exchangeToken(request);
  if (token.claims !== undefined) {
    say(`I am ${token.claims.act.sub} and act for ${token.claims.sub}, under ${token.claims.mandate_id}.`);
    say(`I may ${scopeList(token.claims).join(', ')}; this token is good for ${token.expires_in} s.`);
  }

  const mcp = new Client({ name: 'example-agent', version: '1.0.0' });
  // Every request gets a token that is good then, so that a wait may be longer than a token lives.
  const fetch = mcpTransportFetch(client, request);
  await mcp.connect(new StreamableHTTPClientTransport(new URL(setting('MCP_URL')), { fetch }));
  try {
    const tools = (await mcp.listTools()).tools.map(({ name }) => name);
    say(`My tools: ${tools.join(', ')}`);
    const call = async (name: string, input: Record<string, unknown>): Promise<Answer> =>
      (await mcp.callTool({ name, arguments: input })).structuredContent as Answer;

    const tool = setting('TOOL');
    say(`I call ${tool} with ${setting('TOOL_INPUT')}`);
    let answer = await call(tool, JSON.parse(setting('TOOL_INPUT')) as Record<string, unknown>);
    if (answer.status === 'pending_approval') {
      say(
        `Nothing has happened yet: ${(answer.approvers ?? []).join(' or ')} must approve "${answer.action_summary ?? tool}".`,
      );
    }
    const approval = answer.approval_id;
    while (answer.status === 'pending_approval' || answer.status === 'running') {
      if (approval === undefined) break;
      answer = await call('approval_wait', { approval_id: approval, wait_seconds: 20 });
    }

    say(`${answer.status}: ${JSON.stringify(answer.result ?? answer.reason ?? null)}`);
    return answer.status === 'done' ? 0 : 1;
  } finally {
    await mcp.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ProkuraError)) throw error;
  say(`${error.code}: ${error.description}`);
  if (error.terminal) say('This mandate will not work again. I stop; the employee can give me a new one.');
  else if (error.retryable) say(`I may try again in ${error.retryAfterSeconds ?? 5} s.`);
  process.exitCode = 1;
}
