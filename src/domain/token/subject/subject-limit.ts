import { LRUCache } from 'lru-cache';
import { Fault } from '#lib/fault.ts';

/**
 * Throws Fault `rate_limited` (`detail.retry_after_seconds`) if an agent has used up its share for a subject.
 */
export type SubjectLimit = (tenantId: string, subject: string) => void;

const MAX_SUBJECTS = 10_000;

/**
 * Creates a limit of `perMinute` exchanges per agent and subject in this process, refilled evenly. A subject
 * token may be presented many times during its life (RFC 8693 does not forbid it), so a copied token must not
 * give tokens without end. Counts every request of the mandate's own agent, granted or refused. Beyond
 * `MAX_SUBJECTS` subjects, the least recently used is forgotten. Does not replace a request limit at the
 * proxy.
 */
export function createSubjectLimit(perMinute: number, now: () => Date): SubjectLimit {
  const known = new LRUCache<string, { readonly left: number; readonly at: number }>({ max: MAX_SUBJECTS });
  return (tenantId, subject) => {
    const [key, at] = [`${tenantId} ${subject}`, now().getTime()];
    const before = known.get(key) ?? { left: perMinute, at };
    // A clock that goes backwards refills nothing.
    const refilled = (Math.max(0, at - before.at) / 60_000) * perMinute;
    const left = Math.min(perMinute, before.left + refilled) - 1;
    if (left < 0) {
      throw new Fault(
        'rate_limited',
        'Too many tokens were requested for this subject. Keep using the token you have until it expires.',
        { detail: { reason: 'subject_rate', retry_after_seconds: Math.ceil(60 / perMinute) } },
      );
    }
    known.set(key, { left, at });
  };
}
