/**
 * The names of domain events: what has happened, in the past tense. An event is emitted inside the
 * transaction that made it true. Every subscriber gets it at least once, after the commit.
 */
export const DOMAIN_EVENTS = [
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

/** One of `DOMAIN_EVENTS`. */
export type DomainEventName = (typeof DOMAIN_EVENTS)[number];

/**
 * An event and the id of the object that it is about: a call, mandate, agent, person, burst or alarm.
 * Subscribers read that object again. An event carries ids and never contents.
 */
export interface DomainEvent {
  readonly name: DomainEventName;
  readonly thing: string;
}

/**
 * A membership, mapping, manager or status has changed, so other people may be able to approve what is
 * waiting. The event names nothing: its subscribers look at everything that waits.
 */
export const APPROVERS_CHANGED = {
  name: 'approvers.changed',
  thing: 'approvals',
} as const satisfies DomainEvent;

/** The ids of several things as one text, as the data of a job holds them. No id contains a space. */
export const joinThings = (things: readonly string[]): string => things.join(' ');

/** The ids that `joinThings` has joined. */
export const splitThings = (joined: string): readonly string[] => joined.split(' ');
