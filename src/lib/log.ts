import { pino, type Logger } from 'pino';

export type { Logger };

/** Field names whose values never reach a log line, at the top or one level down (law 12). */
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

/** What a driver puts into its errors of the statement's contents, beside its text. Names and codes stay: they say what is wrong. */
const CONTENTS: ReadonlySet<string> = new Set(['params', 'parameters', 'args', 'detail', 'where', 'query']);

/**
 * An error as log lines have it: type, message, stack, codes and causes, without what a statement was called with (law 12). drizzle writes the
 * parameters into the message, PostgreSQL the values of a row into `detail`.
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

/** drizzle-orm's DrizzleQueryError: `Failed query: <statement>\nparams: <values>`, where a value may have line breaks; frames follow in a stack. */
const withoutParameters = (text: string): string =>
  text.replace(
    /^((?:\w*Error: )?Failed query: [\s\S]*?\nparams: )[\s\S]*?(?=\n {4}at |$(?![\s\S]))/,
    '$1[left out]',
  );

/** The process's logger: JSON lines on stdout (`pretty` is for people at a terminal and for nothing else). */
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
