/** A request to the simulator and the status of its answer. It contains no credential, only its kind. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON or form, otherwise text, or null without a body. `[secret]` replaces secret members. */
  readonly body: unknown;
  readonly scheme: string | null;
  readonly credential: 'api_token' | 'access_token' | 'none';
  /** Null if no answer was sent, on a dropped or hanging connection. */
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

  /** Records a request before it is answered. The caller sets `status` on the returned entry. */
  note(request: {
    method: string;
    url: string;
    contentType: string;
    authorization: string | null;
    text: string;
    at: string;
  }): RecordedRequest {
    const url = new URL(request.url);
    // Without a known scheme the header may be a bare secret, so do not keep its first word.
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

  /** Deletes all entries. */
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

/** Replaces secrets. `value` is a secret only inside `password`; elsewhere it is an ordinary member. */
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
