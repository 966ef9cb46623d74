import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Fault } from '#lib/fault.ts';

/**
 * How to reach a database, in a form that both drivers understand alike: postgres.js, and `pg`, which pg-boss
 * uses.
 */
export interface ConnectionTarget {
  /** User, password, host, port and database, without parameters. */
  readonly url: string;
  /** TLS options as in `node:tls`; false: no TLS. */
  readonly ssl: false | ConnectionOptions;
  /**
   * The value of `options=`, which is sent to the server or a pooler: run-time parameters and the like; '' if
   * there is none.
   */
  readonly options: string;
}

/**
 * Parameters that only say how a client waits or names itself. They are ignored: the drivers have their own
 * settings.
 */
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
 * Reads a connection URL with the libpq parameters that managed databases use (PostgreSQL manual, section
 * 32.1.2): `sslmode` (`disable`, `require`, `verify-ca`, `verify-full`), `sslrootcert`, `sslcert`, `sslkey`,
 * `options` and `channel_binding` (but not `require`). The drivers read these differently, or send unknown
 * ones to the server, so neither driver gets to see them. Throws Fault `invalid_input` that names a parameter
 * which Prokura cannot honour, and says what to do. Without `sslmode` there is no TLS, as in both drivers.
 * Does not connect.
 */
export function connectionTarget(databaseUrl: string): ConnectionTarget {
  const url = new URL(databaseUrl);
  const given = new Map(url.searchParams);
  for (const name of given.keys()) {
    if (!PASSED_OVER.has(name) && !(name in READERS)) {
      throw invalid(
        `DATABASE_URL has the parameter ${name}, which Prokura does not support. Remove it. Supported parameters: ${Object.keys(READERS).join(', ')}.`,
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
        `DATABASE_URL has sslmode=${value}, which can fall back to a connection without TLS. Use require, verify-ca or verify-full, or disable to connect without TLS.`,
      );
    parts.mode = value;
  },
  // In libpq, `system` means the certificate authorities of this machine. Node has its own list.
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
        'DATABASE_URL has channel_binding=require, which Prokura’s drivers do not support. Remove it and use sslmode=verify-full to check the server’s certificate.',
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
      // As in libpq: if there is a root certificate, `require` checks the server's certificate against it.
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
      `DATABASE_URL sets ${parameter} to the file ${path}, which cannot be read.`,
      {
        cause,
      },
    );
  }
}

const invalid = (message: string): Fault => new Fault('invalid_input', message);
