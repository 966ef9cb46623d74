import type { OktaCredential } from './settings.ts';
import type { Answer } from './transport.ts';

/** What is asked, with whose credential, and until when. */
export interface OktaToCheck {
  /** As `validateOrgUrl` returns it. */
  readonly orgUrl: string;
  readonly credential: OktaCredential;
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  readonly now: () => number;
}

/**
 * Asks the organisation with our credential: a path that begins with a slash. Throws NoAnswer, and Fault
 * where no token can be had.
 */
export type AskOkta = (path: string) => Promise<Answer>;

/** The JSON object of an answer, or null. */
export function objectIn({ text }: Answer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The objects of a list; none where the answer is no list. */
export function listIn({ status, text }: Answer): Record<string, unknown>[] {
  try {
    const value: unknown = status === 200 ? JSON.parse(text) : [];
    return Array.isArray(value)
      ? value.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
      : [];
  } catch {
    return [];
  }
}
