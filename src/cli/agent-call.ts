import { argumentsOf, Unusable, type Command, type Terminal } from './command.ts';
import { callTool, tokenIn, type HeldToken, type ToolAnswer } from './mcp-call.ts';
import { defaultFile } from './sandbox.ts';

/** The token is not used in its last seconds: a request that began must end before it does. */
const RESERVE_MS = 5_000;
/** How long one `approval_wait` may wait, in seconds. */
const WAIT_SECONDS = 20;

/** `prokura agent call`: one call of a tool, with its approval. */
export const agentCall: Command = {
  name: 'agent call',
  usage: 'TOOL [--input JSON] [--token FILE] [--wait SECONDS] [--sandbox]',
  summary: 'Call a tool over MCP, and wait for its approval',
  help: `Calls one tool over MCP with the token that "prokura agent token" wrote. Where people must approve the call, it says who, and waits.
Prints the result as JSON.

  --input JSON     the input of the tool, a JSON object
  --token FILE     the token; agent-token.json unless named
  --wait SECONDS   how long to wait for an approval; as long as the token is good unless named
  --sandbox        take the token from the folder of the sandbox (.prokura, or PROKURA_DATA)

Exit code 0: done. 1: refused, failed, or not decided yet. The approval goes on without this command: "prokura agent call
approval_wait" with a new token for the same mandate finds its result.
`,
  run: async (args, terminal) => {
    const { values, positionals } = argumentsOf('agent call', args, {
      input: { type: 'string', default: '{}' },
      token: { type: 'string' },
      wait: { type: 'string' },
      sandbox: { type: 'boolean' },
    });
    const [tool, ...more] = positionals;
    if (tool === undefined || more.length > 0)
      throw new Unusable('Name one tool: prokura agent call TOOL --input JSON. Is the JSON in quotes?');
    const input = objectIn(values.input);
    if (values.wait !== undefined && !/^\d{1,6}(?:\.\d+)?$/.test(values.wait))
      throw new Unusable(`--wait takes a number of seconds, not "${values.wait}".`);
    const waitMs = values.wait === undefined ? Infinity : Number(values.wait) * 1000;
    const token = tokenIn(
      values.token ?? defaultFile(terminal, values.sandbox, 'agent-token.json'),
      new Date(),
    );
    terminal.err(
      `Calling ${tool}. If people must approve it, this takes up to ${WAIT_SECONDS} seconds to say so.\n`,
    );
    const until = Math.min(Date.now() + waitMs, token.expiresAtMs - RESERVE_MS);
    const answer = await awaitDecision(token, await callTool(token, tool, input), until, terminal);
    return report(answer, terminal);
  },
};

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // It is said below.
  }
  throw new Unusable(`--input is not a JSON object: ${text.slice(0, 200)}`);
}

const isOpen = ({ status }: ToolAnswer): boolean => status === 'pending_approval' || status === 'running';

/**
 * The answer once people have decided and it is carried out; the last one where that is not so at `until`.
 */
async function awaitDecision(
  token: HeldToken,
  first: ToolAnswer,
  until: number,
  terminal: Terminal,
): Promise<ToolAnswer> {
  const { approval_id } = first;
  if (!isOpen(first) || approval_id === undefined) return first;
  terminal.err(
    `Not done yet: waiting for ${(first.approvers ?? []).join(' or ') || 'an approver'} to approve "${first.action_summary ?? 'this call'}"${first.expires_at === undefined ? '' : ` by ${first.expires_at}`}.\n`,
  );
  let answer = first;
  for (let left = until - Date.now(); isOpen(answer) && left > 0; left = until - Date.now()) {
    const wait_seconds = Math.min(WAIT_SECONDS, Math.ceil(left / 1000));
    answer = { approval_id, ...(await callTool(token, 'approval_wait', { approval_id, wait_seconds })) };
  }
  return answer;
}

function report(answer: ToolAnswer, { out, err }: Terminal): number {
  const { status, code, reason, result, approval_id } = answer;
  if (status === 'done') {
    err('Done.\n');
    out(`${JSON.stringify(result ?? {}, null, 2)}\n`);
    return 0;
  }
  if (isOpen(answer))
    err(
      `Not decided yet. Ask again with a new token: prokura agent call approval_wait --input '${JSON.stringify({ approval_id })}'\n`,
    );
  else err(`Not done: ${status}${code === undefined ? '' : ` (${code})`}. ${reason ?? ''}\n`);
  out(`${JSON.stringify(answer, null, 2)}\n`);
  return 1;
}
