import type { Logger as SlackLogger } from '@slack/bolt';
import { LogLevel } from '@slack/bolt';
import type { Logger } from '#lib/log.ts';

export type BoltLogger = SlackLogger;

/** What never reaches a log line, wherever it stands in a text (assertion O3). */
const SECRETS = [
  /xox[a-z]-[\w-]+/gi,
  /xapp-[\w-]+/gi,
  /https?:\/\/hooks\.slack(?:-gov)?\.com\/\S+/gi,
  /https?:\/\/\S+\/_response\/\S+/gi,
];

/** A text without tokens and response URLs. */
export const withoutSecrets = (text: string): string =>
  SECRETS.reduce((left, secret) => left.replace(secret, '[secret]'), text);

/**
 * Slack's libraries log through ours. What they say at DEBUG is dropped at every level: it repeats bodies,
 * private_metadata and trigger ids. Of anything else only texts are kept, without secrets.
 */
export function boltLogger(log: Logger): BoltLogger {
  const words = (parts: readonly unknown[]): string =>
    withoutSecrets(
      parts
        .map((part) => (part instanceof Error ? part.message : typeof part === 'string' ? part : typeof part))
        .join(' '),
    );
  return {
    debug: () => {},
    info: (...parts: unknown[]) => log.debug({ from: 'slack' }, words(parts)),
    warn: (...parts: unknown[]) => log.warn({ from: 'slack' }, words(parts)),
    error: (...parts: unknown[]) => log.error({ from: 'slack' }, words(parts)),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}
