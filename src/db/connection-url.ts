import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Fault } from '#lib/fault.ts';

/** How to reach a database, in a form that both drivers (postgres.js, and `pg` below pg-boss) understand alike. */
export interface ConnectionTarget {
  /** Without parameters: user, password, host, port and database. */
  readonly url: string;
  /** TLS as `node:tls` takes it; false: without TLS. */
  readonly ssl: false | ConnectionOptions;
  /** Of `options=`: run-time parameters and what a pooler in front wants to hear, as the server is sent it; '' where there is none. */
  readonly options: string;
}

/** Parameters that only say how this client waits or names itself. The drivers have settings of their own for these. */
const PASSED_OVER = new Set([
  'application_name',
  'connect_timeout',
  'fallback_application_name',
  'gssencmode',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'pool_timeout',
  'sslsni',
  'tcp_user_timeout',
]);

/**
 * Reads a connection URL with the parameters of libpq that managed databases hand out (PostgreSQL manual, section 32.1.2): `sslmode` (`disable`,
 * `require`, `verify-ca`, `verify-full`), `sslrootcert`, `sslcert`, `sslkey`, `options`, `channel_binding` (but not `require`). The two drivers read
 * these differently, or send what they do not know to the server, so neither of them sees them. Throws Fault `invalid_input` that names
 * the parameter which Prokura cannot keep, and how to do without it. Without `sslmode` there is no TLS, as with both drivers.
 */
export function connectionTarget(databaseUrl: string): ConnectionTarget {
  const url = new URL(databaseUrl);
  const given = new Map(url.searchParams);
  for (const name of given.keys()) {
    if (!PASSED_OVER.has(name) && !(name in READERS)) {
      throw invalid(
        `DATABASE_URL has the parameter ${name}, which Prokura does not know. Take it out. Prokura understands ${Object.keys(READERS).join(', ')}.`,
      );
    }
  }
  url.search = '';
  const parts: { mode: string; tls: ConnectionOptions; options: string } = {
    mode: 'disable',
    tls: {},
    options: '',
  };
  for (const [name, read] of Object.entries(READERS)) {
    const value = given.get(name);
    if (value !== undefined) read(value, parts);
  }
  return { url: url.href, ssl: tlsOf(parts.mode, parts.tls), options: parts.options };
}

type Parts = { mode: string; tls: ConnectionOptions; options: string };

const READERS: Readonly<Record<string, (value: string, parts: Parts) => void>> = {
  sslmode: (value, parts) => {
    if (!['disable', 'require', 'verify-ca', 'verify-full'].includes(value))
      throw invalid(
        `DATABASE_URL says sslmode=${value}, which may go on without TLS. Say require, verify-ca or verify-full, or disable for no TLS.`,
      );
    parts.mode = value;
  },
  // `system` is libpq's word for the certificate authorities of this machine; Node has its own list of them.
  sslrootcert: (value, parts) => {
    if (value !== 'system') parts.tls.ca = fileOf('sslrootcert', value);
  },
  sslcert: (value, parts) => {
    parts.tls.cert = fileOf('sslcert', value);
  },
  sslkey: (value, parts) => {
    parts.tls.key = fileOf('sslkey', value);
  },
  channel_binding: (value) => {
    if (value === 'require')
      throw invalid(
        'DATABASE_URL says channel_binding=require, which Prokura’s drivers cannot do. Take it out, and say sslmode=verify-full: then the server’s certificate is checked instead.',
      );
  },
  options: (value, parts) => {
    parts.options = value;
  },
};

function tlsOf(mode: string, tls: ConnectionOptions): false | ConnectionOptions {
  switch (mode) {
    case 'disable':
      return false;
    case 'verify-full':
      return tls;
    case 'verify-ca':
      return { ...tls, checkServerIdentity: () => undefined };
    default:
      // As libpq: with a root certificate at hand, `require` checks it.
      return tls.ca === undefined
        ? { ...tls, rejectUnauthorized: false }
        : { ...tls, checkServerIdentity: () => undefined };
  }
}

function fileOf(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault(
      'invalid_input',
      `The file ${path}, which ${parameter} in DATABASE_URL names, cannot be read.`,
      {
        cause,
      },
    );
  }
}

const invalid = (message: string): Fault => new Fault('invalid_input', message);
