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

/** The process's logger: JSON lines on stdout (`pretty` is for people at a terminal and for nothing else). */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: {},
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[secret]',
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
