import { Fault } from '#lib/fault.ts';
import type { PersonStatus } from '../provider.ts';

const CAN_SIGN_IN: readonly PersonStatus[] = [
  'ACTIVE',
  'PROVISIONED',
  'RECOVERY',
  'PASSWORD_EXPIRED',
  'LOCKED_OUT',
];

/** The statuses in which Okta allows each step. Source: Okta management API, "User Lifecycle". */
const STEPS = {
  reset_password: { words: "reset a person's password", from: CAN_SIGN_IN },
  reset_factors: { words: "reset a person's factors", from: [...CAN_SIGN_IN, 'STAGED', 'SUSPENDED'] },
  suspend: { words: 'suspend a person', from: ['ACTIVE'] },
} as const satisfies Record<string, { words: string; from: readonly PersonStatus[] }>;

/**
 * Checks that the person's status at Okta allows the step, so that nobody approves what Okta would
 * refuse. Throws Fault `conflict` if it does not, or if the status is unknown. Okta decides again when
 * the step is carried out.
 */
export function requireStatus(step: keyof typeof STEPS, status: string): void {
  const { words, from }: { words: string; from: readonly string[] } = STEPS[step];
  if (from.includes(status)) return;
  const allowed = from.length === 1 ? from.join('') : `one of ${from.join(', ')}`;
  throw new Fault(
    'conflict',
    `Okta can ${words} only if their status is ${allowed}. The status is ${status}, so no request was sent.`,
    { detail: { reason: 'wrong_status', status, allowed: from } },
  );
}
