import { Fault } from '#lib/fault.ts';

/** Throws Fault `rate_limited` (`detail.retry_after_seconds`) where an agent has had its share for a subject. */
export type SubjectLimit = (tenantId: string, subject: string) => void;

const MAX_SUBJECTS = 10_000;

/**
 * Holds each agent to `perMinute` exchanges for a subject, refilled evenly, in this process: a subject token may be presented again and again within its life
 * (RFC 8693 forbids nothing), and whoever has a copy should not get tokens without end. Counts what the agent of the mandate asks for, granted or not: nobody else can use its share up.
 * A flood of new subjects forgets the oldest. Does not replace a limit of requests at the proxy.
 */
export function createSubjectLimit(perMinute: number, now: () => Date): SubjectLimit {
  const known = new Map<string, { left: number; at: number }>();
  return (tenantId, subject) => {
    const [key, at] = [`${tenantId} ${subject}`, now().getTime()];
    const before = known.get(key) ?? { left: perMinute, at };
    // A clock that goes back refills nothing.
    const refilled = (Math.max(0, at - before.at) / 60_000) * perMinute;
    const left = Math.min(perMinute, before.left + refilled) - 1;
    if (left < 0) {
      throw new Fault(
        'rate_limited',
        'Too many tokens were asked for in the name of this subject. Keep the token that you have until it ends.',
        { detail: { reason: 'subject_rate', retry_after_seconds: Math.ceil(60 / perMinute) } },
      );
    }
    known.delete(key);
    const oldest = known.keys().next();
    if (known.size >= MAX_SUBJECTS && oldest.done !== true) known.delete(oldest.value);
    known.set(key, { left, at });
  };
}
