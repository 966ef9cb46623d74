import { exchangeHttp, jsonObject, platformFetch, safeUrl } from '#client/http.ts';
import { errorOfAnswer, ProkuraError } from '#client/errors.ts';
import { parseJwt } from '#client/jwt.ts';
import { Unusable } from './command.ts';
import { readJson } from './files.ts';

/** A delegation token for MCP, and what it says of itself. */
export interface HeldToken {
  readonly accessToken: string;
  /** The address of the MCP server: the token's audience. */
  readonly mcpUrl: string;
  readonly expiresAtMs: number;
}

/** What a tool answers (docs/agents.md, "Answers"), as far as it is read here. */
export interface ToolAnswer {
  readonly status: string;
  readonly approval_id?: string;
  readonly action_summary?: string;
  readonly approvers?: readonly string[];
  readonly expires_at?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly result?: unknown;
}

/** A gated call is held for up to 20 seconds, and `approval_wait` for up to 25. */
const LIMITS = { timeoutMs: 60_000, maxBytes: 8 * 1024 * 1024 };

/**
 * The token in a file that `agent token` wrote, or that holds an answer of the token endpoint. Throws
 * Unusable for one that cannot be used.
 */
export function tokenIn(file: string, now: Date): HeldToken {
  const take = 'Get a token with: prokura agent token';
  const { access_token: token, token_type: type } = readJson(file, take);
  const claims = typeof token === 'string' ? parseJwt(token)?.claims : undefined;
  if (typeof token !== 'string' || claims === undefined)
    throw new Unusable(`${file} does not hold a token. ${take}`);
  const { aud, exp } = claims;
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer')
    throw new Unusable(
      `The token in ${file} is bound to a key (${type}). This command sends Bearer tokens only.`,
    );
  if (typeof aud !== 'string' || !aud.endsWith('/mcp'))
    throw new Unusable(
      `The token in ${file} is for ${String(aud)}, not for MCP. ${take}, without --audience.`,
    );
  const expiresAtMs = Number(exp) * 1000;
  if (!(expiresAtMs > now.getTime())) throw new Unusable(`The token in ${file} has expired. ${take}`);
  return { accessToken: token, mcpUrl: safeUrl(aud, "The token's audience").href, expiresAtMs };
}

/** Calls one tool over MCP (tools/call). Throws ProkuraError for everything but the answer of a tool. */
export async function callTool(
  token: HeldToken,
  name: string,
  input: Readonly<Record<string, unknown>>,
): Promise<ToolAnswer> {
  const answer = await exchangeHttp(
    platformFetch,
    token.mcpUrl,
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token.accessToken}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: input },
      }),
    },
    LIMITS,
  );
  const body = jsonObject(answer.bytes);
  const { result, error } = (body ?? {}) as {
    result?: { structuredContent?: ToolAnswer; content?: { text?: string }[] };
    error?: { code?: number; message?: string } | string;
  };
  if (typeof error === 'object')
    throw new ProkuraError('mcp_error', `${error.message ?? 'The server refused the call.'} (${error.code})`);
  if (answer.status !== 200) throw errorOfAnswer(answer.status, answer.headers, body, new Date());
  if (typeof result?.structuredContent?.status === 'string') return result.structuredContent;
  const text = (result?.content ?? []).map((one) => one.text ?? '').join('\n');
  throw new ProkuraError(
    'invalid_response',
    text === '' ? `${token.mcpUrl} did not answer as MCP does.` : text,
  );
}
