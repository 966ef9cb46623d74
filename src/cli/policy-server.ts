import { exchangeHttp, jsonObject, platformFetch, safeUrl } from '#client/http.ts';
import { Unusable, type Terminal } from './command.ts';
import { read, readJson } from './files.ts';
import { sandboxFolder } from './sandbox.ts';
import { join } from 'node:path';

/** The options that say which server, and with which key. */
export const SERVER_OPTIONS = {
  url: { type: 'string' },
  'key-file': { type: 'string' },
  'key-env': { type: 'string' },
  sandbox: { type: 'boolean' },
} as const;

/** Their part of a command's help. */
export const SERVER_HELP = `  --url URL         the address of the server, its PUBLIC_URL
  --key-file FILE   an API key: the key alone, or the answer that made it; policy-key.json unless named
  --key-env NAME    the key from an environment variable instead
  --sandbox         the address of the sandbox of this folder (.prokura, or PROKURA_DATA)
`;

export interface ServerValues {
  readonly url?: string | undefined;
  readonly 'key-file'?: string | undefined;
  readonly 'key-env'?: string | undefined;
  readonly sandbox?: boolean | undefined;
}

/** What the server answered: its JSON, whatever the status. */
export interface ServerAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Asks the REST API with the key. Throws ProkuraError where nobody answers, Unusable where the answer is
 * not of a Prokura.
 */
export type AskServer = (
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: Readonly<Record<string, unknown>>,
) => Promise<ServerAnswer>;

/** A text is tried on many calls, and a new one is examined first. */
const LIMITS = { timeoutMs: 120_000, maxBytes: 16 * 1024 * 1024 };

/** The server and the key that the options name. Throws Unusable; never quotes the key. */
export function serverOf(values: ServerValues, terminal: Terminal): AskServer {
  const base = values.url ?? (values.sandbox === true ? sandboxUrl(terminal) : null);
  if (base === null) throw new Unusable('Give --url with the address of the server, or --sandbox.');
  const root = safeUrl(base, '--url').origin;
  const key = keyOf(values, terminal);
  return async (method, path, body) => {
    const answer = await exchangeHttp(
      platformFetch,
      `${root}${path}`,
      {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      LIMITS,
    );
    const parsed = jsonObject(answer.bytes);
    if (parsed === null)
      throw new Unusable(`${root}${path} answered ${answer.status}, and not as Prokura does.`);
    return { status: answer.status, body: parsed };
  };
}

function sandboxUrl(terminal: Terminal): string {
  const { issuer } = readJson(
    join(sandboxFolder(terminal), 'sandbox-keys.json'),
    'Start the sandbox first (npm start), in this folder; if it keeps its data elsewhere, set PROKURA_DATA.',
  ) as { issuer: string };
  return new URL(issuer).origin;
}

function keyOf(values: ServerValues, { env }: Terminal): string {
  const { 'key-file': file, 'key-env': name } = values;
  if (file !== undefined && name !== undefined) throw new Unusable('Give --key-file or --key-env, not both.');
  const where = name ?? file ?? 'policy-key.json';
  const text = (
    name === undefined
      ? read(where, 'Make an API key: docs/policies.md, "Change your policies".')
      : (env[name] ?? '')
  ).trim();
  const key = text.startsWith('{') ? String(keyIn(text)) : text;
  if (!/^tnt_[0-9a-z]{26}:mk_(?:live|test)_[0-9a-z]+$/.test(key))
    throw new Unusable(`${where} does not hold an API key (tnt_…:mk_…).`);
  return key;
}

function keyIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { api_key?: unknown }).api_key;
  } catch {
    // The message of JSON.parse quotes the text.
    return '';
  }
}
