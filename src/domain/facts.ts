/**
 * The names of facts: what has happened, in the past tense. A fact is emitted inside the transaction that
 * made it true. Every subscriber gets it at least once, after the commit.
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

/** One of `FACTS`. */
export type FactName = (typeof FACTS)[number];

/**
 * A fact and the id of the object that it is about: a call, mandate, agent, person, burst or alarm.
 * Subscribers read that object again. A fact carries ids and never contents.
 */
export interface Fact {
  readonly name: FactName;
  readonly thing: string;
}

/**
 * A membership, mapping, manager or status has changed, so other people may be able to approve what is
 * waiting. The fact names nothing: its subscribers look at everything that waits.
 */
export const APPROVERS_CHANGED = { name: 'approvers.changed', thing: 'approvals' } as const satisfies Fact;
