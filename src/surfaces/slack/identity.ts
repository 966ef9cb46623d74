import type { WebClient } from '@slack/web-api';
import { LRUCache } from 'lru-cache';
import type { PersonActor } from '#domain/actor.ts';
import {
  contestSlackAccount,
  rememberSlackAccount,
  slackAccount,
  slackAccountOf,
} from '#domain/person/accounts.ts';
import { peopleByEmail, type Person } from '#domain/person/store.ts';
import { standingOf } from '#domain/person/standing.ts';
import { theTenant } from '#domain/tenant/store.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { isRefusal, refusal, workEmail, type Refusal } from './account.ts';
import { platformError } from './faults.ts';
import type { Wire } from './wire.ts';

/** How old an answer of Slack's about an account may be for somebody who only looks, in milliseconds. */
const CACHE_MS = 60_000;
const MAX_ACCOUNTS = 5000;

/** An account as a payload names it; `teamId` is the account's home, where the payload says it. */
export interface Account {
  readonly userId: string;
  readonly teamId: string | null;
}

export interface Identity {
  readonly actor: PersonActor;
  readonly person: Person;
}

export interface Identities {
  /**
   * The person behind a Slack account, by work email, or why not. Asks Slack now; with `cached` an answer of
   * the last minute counts, for those who only look. Throws Fault `unavailable` where Slack does not answer:
   * nobody is let in then.
   */
  of(tenantId: string, account: Account, use: 'fresh' | 'cached'): Promise<Identity | Refusal>;
  /**
   * The same, for an account that `account` names in a command: the rules are the same, the actor is not
   * made.
   */
  named(tenantId: string, userId: string): Promise<Person | Refusal>;
}

/**
 * Slack accounts as people of the directory (requirements: matched by work email, and the ledger says so).
 */
export function slackIdentities(app: App, client: WebClient, teamId: string): Identities {
  const cache = new LRUCache<string, Wire>({
    max: MAX_ACCOUNTS,
    ttl: CACHE_MS,
    ttlResolution: 0,
    perf: { now: () => app.now().getTime() },
  });

  async function info(userId: string, use: 'fresh' | 'cached'): Promise<Wire | Refusal> {
    const known = cache.get(userId);
    if (use === 'cached' && known !== undefined) return known;
    cache.delete(userId);
    // From when it was asked, not answered.
    const start = app.now().getTime();
    try {
      const { user } = await client.users.info({ user: userId });
      const wire = { ...user } as Wire;
      cache.set(userId, wire, { start });
      return wire;
    } catch (error) {
      if (platformError(error) === 'user_not_found') return refusal('foreign_team');
      throw new Fault(
        'unavailable',
        'Slack does not tell us who you are at the moment, so nothing was done. Try again in a minute.',
        { cause: error },
      );
    }
  }

  async function personOf(
    tenantId: string,
    userId: string,
    use: 'fresh' | 'cached',
  ): Promise<Person | Refusal> {
    const user = await info(userId, use);
    if (isRefusal(user)) return user;
    return readonly(app, tenantId, async (reader) => {
      const { settings } = await theTenant(reader);
      const email = workEmail(user, teamId, settings.emailDomains);
      if (typeof email !== 'string') return email;
      const found = await peopleByEmail(reader, email);
      if (found.length > 1) return refusal('several_people');
      const person = found[0];
      if (person === undefined || person.email.toLowerCase() !== email) return refusal('no_person');
      const known = await slackAccount(reader, userId);
      // An address that the directory has changed is no proof: whose account shows it may have been somebody
      // else's until then.
      const same =
        known === null
          ? person.emailChangedAt === null
          : known.firstEmail === email && known.personId === person.id;
      const theirs = await slackAccountOf(reader, person.id);
      if (theirs !== null && theirs.slackUser !== userId) {
        const why = contested(person, theirs.slackUser);
        return same ? why : { ...why, message: refusal('email_changed').message };
      }
      return same ? person : refusal('email_changed');
    });
  }

  return {
    of: async (tenantId, account, use) => {
      if (account.teamId !== null && account.teamId !== teamId) return refusal('foreign_team');
      const person = await personOf(tenantId, account.userId, use);
      if (isRefusal(person)) return person;
      const fallen = standingOf(person);
      if (fallen !== null) return refusal('not_active', fallen.message);
      if (use === 'fresh') {
        const theirs = await transact(app, tenantId, async (ctx) =>
          (await rememberSlackAccount(ctx, account.userId, person.id, person.email.toLowerCase()))
            ? null
            : await slackAccountOf(ctx, person.id),
        );
        if (theirs !== null) return contested(person, theirs.slackUser);
      }
      const identity = { account: `${teamId}/${account.userId}`, matched_by: 'email' };
      return { person, actor: { kind: 'person', surface: 'slack', personId: person.id, identity } };
    },
    named: (tenantId, userId) => personOf(tenantId, userId, 'fresh'),
  };
}

/** A second account with a person's address: somebody may have written it into another profile. */
const contested = (person: Person, account: string): Refusal => ({
  ...refusal(
    'email_changed',
    'We already know another Slack account with your email address, so we do not accept this one. An IT admin can link it (/account relink).',
  ),
  contests: { person: person.id, account },
});

/**
 * Writes down that an account was refused, before it is told so (law 11). Of one that shows somebody else's
 * address, that person and the IT admins are told.
 */
export async function recordRefusal(
  app: App,
  tenantId: string,
  account: Account,
  doing: string,
  why: Refusal,
): Promise<void> {
  const name = `${account.teamId ?? '?'}/${account.userId}`;
  await app.ledgerBatch.add(tenantId, {
    event: 'identity_refused',
    actor: `slack:${name}`,
    data: {
      surface: 'slack',
      account: name,
      code: why.code,
      doing,
      ...(why.contests === undefined
        ? {}
        : { person: why.contests.person, known_account: why.contests.account }),
    },
  });
  const { contests } = why;
  if (contests === undefined) return;
  await transact(app, tenantId, async (ctx) => {
    if (await contestSlackAccount(ctx, contests.person, account.userId))
      ctx.emit({ name: 'account.contested', thing: contests.person });
  });
}
