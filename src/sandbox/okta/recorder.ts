/** What arrived at the simulator and what it answered. Credentials are never in here, only what kind they were. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON or form; text otherwise; null without a body. Secret members are replaced by `[secret]`. */
  readonly body: unknown;
  readonly scheme: string | null;
  readonly credential: 'api_token' | 'access_token' | 'none';
  /** Null where the answer never left: a dropped or hanging connection. */
  status: number | null;
  /** ISO 8601. */
  readonly at: string;
}

const SECRET = /^(client_assertion|client_secret|password|value|token|answer)$/;
const SCHEMES = ['SSWS', 'Bearer', 'DPoP', 'Basic'] as const;
const KEPT = 5000;

/** Keeps the last 5,000 requests in order. */
export class RequestRecorder {
  readonly entries: RecordedRequest[] = [];

  /** Notes a request before it is answered; the caller sets `status` on the returned entry. */
  note(request: {
    method: string;
    url: string;
    contentType: string;
    authorization: string | null;
    text: string;
    at: string;
  }): RecordedRequest {
    const url = new URL(request.url);
    // A header without a known scheme may be a bare secret: its first word is then not a scheme to keep.
    const first = request.authorization?.split(' ')[0];
    const scheme = first === undefined ? null : (SCHEMES.find((each) => each === first) ?? 'unknown');
    const entry: RecordedRequest = {
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: parseBody(request.contentType, request.text),
      scheme,
      credential: scheme === 'SSWS' ? 'api_token' : scheme === null ? 'none' : 'access_token',
      status: null,
      at: request.at,
    };
    this.entries.push(entry);
    if (this.entries.length > KEPT) this.entries.shift();
    return entry;
  }

  /** Forgets everything. */
  clear(): void {
    this.entries.length = 0;
  }
}

function parseBody(contentType: string, text: string): unknown {
  if (text === '') return null;
  if (contentType.includes('x-www-form-urlencoded'))
    return redact(Object.fromEntries(new URLSearchParams(text)), '');
  try {
    return redact(JSON.parse(text), '');
  } catch {
    return text.slice(0, 2000);
  }
}

/** `value` is a secret only inside `password`; elsewhere it is an ordinary name. */
function redact(value: unknown, parent: string): unknown {
  if (Array.isArray(value)) return value.map((each) => redact(each, parent));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const secret =
        SECRET.test(key) && typeof each === 'string' && (key !== 'value' || parent === 'password');
      return [key, secret ? '[secret]' : redact(each, key)];
    }),
  );
}
