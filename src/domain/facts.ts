/**
 * What has happened, in the past tense: emitted inside the transaction that made it true, and delivered to every subscriber
 * at least once after the commit. `thing` is the call, mandate, agent, person, burst or alarm that a reader re-reads; a fact carries ids, never contents.
 */
export const FACTS = [
  'call.waiting',
  'call.voted',
  'call.settled',
  'approval.reminded',
  'approval.escalated',
  'mandate.created',
  'mandate.changed',
  'mandate.frozen',
  'mandate.thawed',
  'mandate.revoked',
  'mandate.expired',
  'agent.registered',
  'agent.changed',
  'agent.offered',
  'tenant.frozen',
  'tenant.thawed',
  'person.provisioned',
  'person.departed',
  'person.suspended',
  'approvers.changed',
  'breaker.tripped',
  'break_glass.used',
  'break_glass.reviewed',
  'breaker.settled',
  'job.failed',
  'job.recovered',
  'account.contested',
] as const;

export type FactName = (typeof FACTS)[number];

export interface Fact {
  readonly name: FactName;
  readonly thing: string;
}

/**
 * Who can approve what waits may be others from this commit on, and nothing else says so: a membership, a mapping, a manager or a status
 * has changed. It names nothing: whoever hears of it looks at everything that waits.
 */
export const APPROVERS_CHANGED = { name: 'approvers.changed', thing: 'approvals' } as const satisfies Fact;
