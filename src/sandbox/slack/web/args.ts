import type { Wire } from '../types.ts';

/** A refusal as Slack words it: HTTP 200 with `{ ok: false, error }`. */
export class SlackError extends Error {
  readonly code: string;
  readonly more: Wire;

  constructor(code: string, more: Wire = {}) {
    super(code);
    this.name = 'SlackError';
    this.code = code;
    this.more = more;
  }
}

/**
 * Refuses with `invalid_blocks` (or `invalid_arguments` for views) and Slack's list of what is wrong, where
 * there is any.
 */
export function refuseProblems(code: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new SlackError(code, { response_metadata: { messages: problems } });
}

/** A method's arguments: JSON members, or form fields, in which structured values are JSON text. */
export class Args {
  readonly raw: Wire;

  constructor(raw: Wire) {
    this.raw = raw;
  }

  /** The argument as text, or null where it is missing or empty. */
  text(name: string): string | null {
    const value = this.raw[name];
    if (typeof value === 'string') return value === '' ? null : value;
    return typeof value === 'number' ? String(value) : null;
  }

  /** The argument as text; `invalid_arguments` where it is missing. */
  need(name: string): string {
    const value = this.text(name);
    if (value !== null) return value;
    throw new SlackError('invalid_arguments', {
      response_metadata: { messages: [`[ERROR] missing required field: ${name}`] },
    });
  }

  /** True for true, "true" and "1". */
  flag(name: string): boolean {
    return [true, 'true', '1', 1].includes(this.raw[name] as string);
  }

  /** A structured argument, parsed where it came as text; undefined where it is missing. */
  json(name: string): unknown {
    const value = this.raw[name];
    if (typeof value !== 'string') return value ?? undefined;
    if (value === '') return undefined;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      throw new SlackError(name === 'blocks' ? 'invalid_blocks_format' : 'invalid_arguments');
    }
  }
}

/** The arguments of a request: JSON body, form body, or query string; later ones win. */
export async function readArgs(request: Request): Promise<Args> {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const type = request.headers.get('content-type') ?? '';
  const body = await request.text();
  if (body === '') return new Args(query);
  if (!type.includes('json')) return new Args({ ...query, ...Object.fromEntries(new URLSearchParams(body)) });
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new SlackError('json_not_object');
    return new Args({ ...query, ...parsed });
  } catch (error) {
    throw error instanceof SlackError ? error : new SlackError('invalid_json');
  }
}
