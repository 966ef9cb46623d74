import { pino, type Logger } from 'pino';

/** The logger's type. */
export type { Logger };

/**
 * Names of fields whose values never appear in a log line, at the top level or up to two levels down (law
 * 12).
 */
const SECRET_FIELDS = [
  'authorization',
  'password',
  'secret',
  'token',
  'access_token',
  'subject_token',
  'actor_token',
  'client_assertion',
  'client_secret',
  'response_url',
  'trigger_id',
  'private_metadata',
  'cookie',
  'private_key',
  'privateKey',
  'botToken',
  'signingSecret',
];

/**
 * Members of a driver's error that may contain values of the statement. Names and codes stay, because they
 * explain the error.
 */
const CONTENTS: ReadonlySet<string> = new Set(['params', 'parameters', 'args', 'detail', 'where', 'query']);

/**
 * An error as log lines show it: type, message, stack, codes and causes, without the values of a statement
 * (law 12). drizzle writes the parameters into the message, and PostgreSQL the values of a row into `detail`.
 */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const own = Object.entries(error).filter(([name]) => !CONTENTS.has(name) && name !== 'cause');
  return {
    type: error.constructor.name,
    message: withoutParameters(error.message),
    stack: withoutParameters(error.stack ?? ''),
    ...Object.fromEntries(own.filter(([, value]) => typeof value !== 'object')),
    ...(error.cause === undefined ? {} : { cause: loggedError(error.cause) }),
  };
}

/**
 * drizzle-orm's DrizzleQueryError: `Failed query: <statement>\nparams: <values>`, where values may contain
 * line breaks. In a stack, frames follow.
 */
const withoutParameters = (text: string): string =>
  text.replace(
    /^((?:\w*Error: )?Failed query: [\s\S]*?\nparams: )[\s\S]*?(?=\n {4}at |$(?![\s\S]))/,
    '$1[left out]',
  );

/**
 * Creates the process's logger, which writes JSON lines to stdout or to `destination`. Values of
 * `SECRET_FIELDS` are removed.
 */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: {},
    serializers: { err: loggedError },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[secret]',
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
