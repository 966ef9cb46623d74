import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AgentActor, TokenDetails } from '#domain/actor.ts';
import { call } from '#engine/call.ts';
import type { App } from '#engine/app.ts';
import { preparePolicies } from '#engine/decide/policies.ts';
import type { Outcome } from '#engine/outcome.ts';
import { defineTool, personTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const SCOPES = ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'];

const actorOf = async (agent: TestAgent, mandateId: string): Promise<AgentActor> => ({
  kind: 'agent',
  surface: 'mcp',
  agentId: agent.id,
  personId: (await world.person('bob')).id,
  mandateId,
  scopes: SCOPES,
  jti: 'test',
});

/** The engine with an additional tool: a write that an agent may use without an approval. */
function withWrite(): App {
  const tool = defineTool({
    name: 'demo_note',
    title: 'Note',
    description: 'Notes.',
    input: z.object({ person: z.string().describe('Whom.'), text: z.string().describe('What.') }),
    output: z.object({ text: z.string() }),
    scope: 'okta.mfa.reset',
    targets: (input) => [personTarget(input.person)],
    effects: 'write',
    danger: 'mild',
    preview: async () => ({ changes: [], effect: 'A note.', reversible: true }),
    run: async (_, input) => ({ text: input.text }),
  });
  const entry = { tool, family: 'demo', inputSchema: {}, outputSchema: {}, contractDigest: 'demo' };
  const { catalogue, policies } = world.app;
  const more = {
    all: [...catalogue.all, entry],
    get: (name: string) => (name === 'demo_note' ? entry : catalogue.get(name)),
  };
  const text = `${policies.text}\n@id("anybody-notes") @allows("everybody") permit (principal is Person, action == Action::"demo_note", resource);`;
  return { ...world.app, catalogue: more, policies: preparePolicies(text, more) };
}

const tally = (outcomes: readonly (Outcome | Error)[]) =>
  outcomes.reduce<Record<string, number>>((counts, one) => {
    const key = one instanceof Error ? one.message : one.status === 'denied' ? one.denial.code : one.status;
    return { ...counts, [key]: (counts[key] ?? 0) + 1 };
  }, {});

describe('law 7: no more uses than there are', () => {
  test('of 40 calls at once under a mandate of 5 uses, exactly 5 get through', async () => {
    const agent = await world.agent('five-bot', 'bob');
    const mandateId = await world.mandate('bob', agent, { max_uses: 5 });
    const actor = await actorOf(agent, mandateId);
    const app = withWrite();
    const person = (await world.person('carl')).id;
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        call(app, {
          tenantId: world.tenantId,
          actor,
          tool: 'demo_note',
          input: { person, text: `${n}` },
        }).catch((error: Error) => error),
      ),
    );
    expect(tally(outcomes)).toEqual({ done: 5, mandate_expired: 35 });
    const [row] = await world.sql`select state, uses, reason from mandates where id = ${mandateId}`;
    expect(row).toEqual({ state: 'expired', uses: 5, reason: 'every use is spent' });
    expect(
      await world.sql`select 1 from calls where mandate_id = ${mandateId} and state = 'succeeded'`,
    ).toHaveLength(5);
    const ended = (await world.ledger('MANDATE_EXPIRED')).filter(
      (entry) => entry.data['mandate_id'] === mandateId,
    );
    expect(ended).toHaveLength(1);
  });

  test('what children spend, their parent spends: together they get no more', async () => {
    const agent = await world.agent('sharing-bot', 'bob');
    const mandateId = await world.mandate('bob', agent, { max_uses: 5, may_delegate: 1 });
    const parent = await actorOf(agent, mandateId);
    const actors = [parent];
    for (const name of ['share-1', 'share-2']) {
      const child = await world.agent(name, 'carl');
      const outcome = await world.as(parent, 'mandate_delegate', {
        agent: child.id,
        max_uses: 4,
        purpose: 'a share',
      });
      actors.push(await actorOf(child, String((await world.agreed(outcome))['mandate_id'])));
    }
    const app = withWrite();
    const person = (await world.person('carl')).id;
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        call(app, {
          tenantId: world.tenantId,
          actor: actors[n % 3]!,
          tool: 'demo_note',
          input: { person, text: `shared ${n}` },
        }).catch((error: Error) => error),
      ),
    );
    expect(outcomes.filter((one) => !(one instanceof Error) && one.status === 'done')).toHaveLength(5);
    expect(tally(outcomes)).toMatchObject({ done: 5, mandate_expired: 19 });
    const rows =
      await world.sql`select state from mandates where parent_id = ${mandateId} or id = ${mandateId}`;
    expect(rows.map((row) => row['state'])).toEqual(['expired', 'expired', 'expired']);
  });

  test('approved acts at Okta count too: of four, two happen', async () => {
    const agent = await world.agent('act-bot', 'bob');
    const mandateId = await world.mandate('bob', agent, { max_uses: 2 });
    const actor = await actorOf(agent, mandateId);
    const asked = [];
    for (const person of ['carl', 'ann'])
      for (const tool of ['okta_reset_mfa', 'okta_reset_password'])
        asked.push(await world.as(actor, tool, { person: `${person}@acme.example` }));
    const waiting = asked.flatMap((one) => (one.status === 'waiting' ? [one] : []));
    expect(waiting).toHaveLength(4);
    await Promise.all(
      waiting.map((one) => world.vote('mona', one.approvalId).catch((error: Error) => error)),
    );
    const states = await eventually(async () => {
      const rows = await world.sql<
        { state: string }[]
      >`select state from calls where mandate_id = ${mandateId} and settled_at is not null`;
      return rows.length === 4 ? rows.map((row) => row.state).sort() : null;
    }, 'all settle');
    expect(states.filter((state) => state === 'succeeded')).toHaveLength(2);
    expect(
      states
        .filter((state) => state !== 'succeeded')
        .every((state) => state === 'denied' || state === 'withdrawn'),
    ).toBe(true);
  });

  test('a parent that is revoked while a child is made takes the child along', async () => {
    const other = await world.agent('late-child', 'bob');
    for (let round = 0; round < 5; round += 1) {
      const agent = await world.agent(`late-${round}`, 'bob');
      const mandateId = await world.mandate('bob', agent, { may_delegate: 1 });
      const parent = await actorOf(agent, mandateId);
      await Promise.all([
        world
          .as(parent, 'mandate_delegate', { agent: other.id, purpose: 'just now' })
          .catch((error: Error) => error),
        world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mandateId }),
      ]);
      const left =
        await world.sql`select id from mandates where (parent_id = ${mandateId} or id = ${mandateId}) and state <> 'revoked'`;
      expect(left).toHaveLength(0);
    }
  });
});

type Step =
  | { do: 'create'; by: 'bob' | 'mona'; agent: number; terms: Record<string, unknown> }
  | {
      do: 'delegate' | 'narrow' | 'renew' | 'revoke';
      of: number;
      agent: number;
      terms: Record<string, unknown>;
      /** The bounds of the token that hands on. */
      token: { people: readonly string[] | null } & Pick<TokenDetails, 'tools' | 'amount'>;
    };

const PATTERNS = ['team', '*', 'carl@acme.example', 'ann@acme.example', 'nina@acme.example'];
/**
 * Absent in three of four cases. An absent term is as in the parent, so many requests pass and some try to be
 * wider.
 */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const TOOLS = fc.constantFrom(['okta_reset_mfa'], ['okta_reset_mfa', 'okta_reset_password']);
const WEEK = [1, 2, 3, 4, 5, 6, 7];
const hours = (days: number[], from: string, to: string) => ({ days, from, to, timezone: 'UTC' });
const WINDOWS = [
  hours(WEEK, '00:00', '23:59'),
  hours(WEEK, '00:00', '23:58'),
  hours([1, 2, 3, 4, 5, 6], '00:00', '23:59'),
  hours(WEEK, '08:00', '17:00'),
];
const CURRENCY = fc.constantFrom('EUR', 'USD');
const money = fc.record({ amount: fc.constantFrom(10, 100), currency: CURRENCY });
const bound = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
const token = fc.record({
  people: bound(fc.uniqueArray(fc.constantFrom('carl', 'ann', 'nina'), { minLength: 1, maxLength: 2 })),
  tools: bound(TOOLS),
  amount: bound(fc.record({ value: fc.constantFrom('10', '50'), currency: CURRENCY })),
});
const limits = fc.record({
  window: sometimes(fc.constantFrom(...WINDOWS)),
  money: sometimes(money),
});
const otherTerms = fc.record({
  scopes: sometimes(fc.uniqueArray(fc.constantFrom(...SCOPES), { minLength: 1 })),
  resources: sometimes(fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 2 })),
  tools: sometimes(TOOLS),
  max_uses: sometimes(fc.integer({ min: 1, max: 9 })),
  days: sometimes(fc.integer({ min: 1, max: 20 })),
  may_delegate: sometimes(fc.integer({ min: 0, max: 3 })),
});
const terms = fc
  .tuple(otherTerms, limits)
  .map(([said, { window, money }]) => ({ ...said, window, ...money }));
const givenTerms = fc
  .tuple(
    terms,
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom(SCOPES, SCOPES.slice(0, 2), ['okta.mfa.reset']),
  )
  .map(([said, may_delegate, scopes]) => ({ ...said, may_delegate, scopes }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      by: fc.constantFrom('bob' as const, 'mona' as const),
      agent: fc.nat(3),
      terms: givenTerms,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...Array<'delegate'>(6).fill('delegate'),
        'narrow' as const,
        'renew' as const,
        'revoke' as const,
      ),
      of: fc.nat(9),
      agent: fc.nat(3),
      terms,
      token,
    }),
  },
);

/** The steps of one round run at the same time. */
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 6 });

const ASKED = [
  ['okta_reset_mfa', 'okta.mfa.reset'],
  ['okta_reset_password', 'okta.password.reset'],
] as const;

interface Row {
  id: string;
  parent_id: string | null;
  principal_id: string;
  agent_id: string;
  scopes: string[];
  resources: string[];
  tools: string[] | null;
  max_uses: number | null;
  expires_at: Date;
  depth: number;
  state: string;
  amount: string | null;
  currency: string | null;
  window: ReturnType<typeof hours> | null;
}

/** Every half hour of a week in which a window (in UTC, by day) is open. Null means always. */
const openIn = (window: Row['window']) =>
  Array.from({ length: 7 * 48 }, (_, nth) => {
    const minutes = (nth % 48) * 30;
    const clock = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
    const day = Math.floor(nth / 48) + 1;
    return window === null || (window.days.includes(day) && clock >= window.from && clock < window.to);
  });

describe('law 1: no authority from nothing', () => {
  test('what a token was bound to bounds what it hands on: people, tools and amount', async () => {
    const [agent, other] = [await world.agent('bound-a', 'bob'), await world.agent('bound-b', 'bob')];
    const tools = ['okta_reset_mfa', 'okta_reset_password'];
    const mandateId = await world.mandate('bob', agent, { resources: ['*'], may_delegate: 1, tools });
    const [ann, carl] = [(await world.person('ann')).id, (await world.person('carl')).id];
    const token = await world.token(agent, 'bob', mandateId, {
      scope: 'okta.mfa.reset',
      resource: `${world.url}/v1`,
      authorization_details: JSON.stringify([
        {
          type: 'urn:prokura:mandate',
          mandate_id: mandateId,
          resources: [`person:${ann}`],
          tools: ['okta_reset_mfa'],
        },
      ]),
    });
    const handOn = async (input: Record<string, unknown>) => {
      const answer = await fetch(`${world.url}/v1/tools/mandate_delegate`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ agent: other.id, purpose: 'hand on', ...input }),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    for (const more of [{ resources: [`person:${carl}`] }, { resources: ['*'] }, { tools }])
      expect(await handOn(more)).toMatchObject({ status: 403 });
    expect((await handOn({})).status).toBe(200);
    const rows =
      await world.sql`select scopes, resources, tools from mandates where parent_id = ${mandateId}`;
    expect([...rows]).toEqual([
      { scopes: ['okta.mfa.reset'], resources: [`person:${ann}`], tools: ['okta_reset_mfa'] },
    ]);
  });

  test('outside of its hours a mandate is not handed on', async () => {
    const [agent, other] = [await world.agent('night-a', 'bob'), await world.agent('night-b', 'bob')];
    const mandateId = await world.mandate('bob', agent, { may_delegate: 1 });
    const today = new Date().getUTCDay();
    const closed = hours([((today + 2) % 7) + 1], '08:00', '17:00');
    await world.sql`update mandates set "window" = ${world.sql.json(closed)} where id = ${mandateId}`;
    await expect(
      world.as(await actorOf(agent, mandateId), 'mandate_delegate', { agent: other.id, purpose: 'at night' }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    expect(await world.sql`select 1 from mandates where parent_id = ${mandateId}`).toHaveLength(0);
  });

  test('no sequence of create, hand on, narrow, renew and revoke, one by one or at once, gives an agent more than its principal, its ceiling and every mandate above it', async () => {
    const ceilings = [SCOPES, ['okta.mfa.reset', 'okta.password.reset'], ['okta.mfa.reset'], SCOPES];
    const agents: TestAgent[] = [];
    for (const [index, ceiling] of ceilings.entries())
      agents.push(await world.agent(`law-${index}`, 'bob', ceiling));
    const people = new Map<string, string>();
    for (const key of ['carl', 'ann', 'nina', 'bob']) people.set(key, (await world.person(key)).id);
    const [bobId, monaId] = [(await world.person('bob')).id, (await world.person('mona')).id];
    const held: Readonly<Record<string, readonly string[]>> = { [bobId]: SCOPES, [monaId]: SCOPES };
    const reports: Readonly<Record<string, readonly string[]>> = {
      [bobId]: ['carl', 'ann'],
      [monaId]: ['bob'],
    };

    const apply = async (one: Step, made: string[], tokens: Map<string, TokenDetails>): Promise<void> => {
      const said = Object.fromEntries(Object.entries(one.terms).filter(([, value]) => value !== undefined));
      const agent = agents[one.agent]!;
      if (one.do === 'create') {
        const input = { scopes: ['okta.mfa.reset'], ...said, agent: agent.id, purpose: 'a law' };
        const outcome = await world.as(await world.actor(one.by), 'mandate_create', input);
        if (outcome.status === 'done') made.push(String(outcome.output['mandate_id']));
        return;
      }
      const id = made[one.of % Math.max(made.length, 1)];
      const [row] = await world.sql<Row[]>`select * from mandates where id = ${id ?? ''}`;
      if (row === undefined) return;
      const principal = await world.actor(row.principal_id === bobId ? 'bob' : 'mona');
      if (one.do === 'narrow') await world.as(principal, 'mandate_narrow', { mandate_id: row.id, ...said });
      if (one.do === 'revoke') await world.as(principal, 'mandate_revoke', { mandate_id: row.id });
      if (one.do === 'renew')
        await world.as(principal, 'mandate_renew', { mandate_id: row.id, days: one.terms['days'] ?? 30 });
      if (one.do === 'delegate') {
        const holder = {
          kind: 'agent',
          surface: 'mcp',
          agentId: row.agent_id,
          personId: row.principal_id,
          mandateId: row.id,
          scopes: SCOPES,
          jti: 'law',
        } as const;
        const details = {
          ...one.token,
          resources: one.token.people?.map((key) => `person:${people.get(key)}`) ?? null,
        };
        const outcome = await world.as({ ...holder, details }, 'mandate_delegate', {
          ...said,
          agent: agent.id,
          purpose: 'a law',
        });
        if (outcome.status !== 'done') return;
        made.push(String(outcome.output['mandate_id']));
        tokens.set(String(outcome.output['mandate_id']), details);
      }
    };

    /**
     * An independent statement, without the code under test, of the people that a mandate's patterns cover.
     */
    const covers = (row: Row, key: string) =>
      row.resources.some(
        (pattern) =>
          pattern === '*' ||
          pattern === `person:${people.get(key)}` ||
          (pattern.startsWith('reports:') && reports[pattern.slice(8)]?.includes(key) === true),
      );
    const ceiling = (agentId: string) => ceilings[agents.findIndex((agent) => agent.id === agentId)] ?? [];
    const part = (some: readonly string[] | null, all: readonly string[] | null) =>
      all === null || (some?.every((one) => all.includes(one)) ?? false);
    const failing = (checks: Readonly<Record<string, boolean>>) =>
      Object.entries(checks).flatMap(([name, holds]) => (holds ? [] : [name]));
    const widerThan = (child: Row, parent: Row) =>
      failing({
        parentStands: parent.state === 'active',
        principal: child.principal_id === parent.principal_id,
        depth: child.depth < parent.depth,
        end: child.expires_at <= parent.expires_at,
        scopes: part(child.scopes, parent.scopes),
        tools: part(child.tools, parent.tools),
        uses: parent.max_uses === null || (child.max_uses !== null && child.max_uses <= parent.max_uses),
        people: [...people.keys()].every((key) => !covers(child, key) || covers(parent, key)),
        amount: less(child, parent),
        window: openIn(child.window).every((open, nth) => !open || openIn(parent.window)[nth]),
      });
    const less = (some: Pick<Row, 'amount' | 'currency'>, most: Pick<Row, 'amount' | 'currency'>) =>
      most.amount === null ||
      (some.amount !== null && Number(some.amount) <= Number(most.amount) && some.currency === most.currency);
    const widerThanToken = (child: Row, { resources, tools, amount }: TokenDetails) =>
      failing({
        people:
          resources === null ||
          (!child.resources.includes('*') &&
            [...people].every(([key, id]) => !covers(child, key) || resources.includes(`person:${id}`))),
        tools: part(child.tools, tools),
        amount: amount === null || less(child, { amount: amount.value, currency: amount.currency }),
      });
    const beyond = (row: Row, chain: readonly Row[], tool: string, scope: string, key: string) =>
      failing({
        authority: held[row.principal_id]?.includes(scope) === true,
        manages: reports[row.principal_id]?.includes(key) === true,
        stands: chain.every((one) => one.state === 'active'),
        scope: chain.every((one) => one.scopes.includes(scope)),
        ceiling: chain.every((one) => ceiling(one.agent_id).includes(scope)),
        tool: chain.every((one) => part([tool], one.tools)),
        covers: chain.every((one) => covers(one, key)),
      });
    const holderOf = (row: Row): AgentActor => ({
      kind: 'agent',
      surface: 'mcp',
      agentId: row.agent_id,
      personId: row.principal_id,
      mandateId: row.id,
      scopes: SCOPES,
      jti: 'law',
    });
    const seen = { allowed: 0, children: 0, narrowed: 0 };

    await fc.assert(
      fc.asyncProperty(rounds, async (steps) => {
        const made: string[] = [];
        const tokens = new Map<string, TokenDetails>();
        const first: Step = { do: 'create', by: 'bob', agent: 0, terms: { scopes: SCOPES, may_delegate: 3 } };
        // One hand-on by a more narrowly bound token, to an agent that may hold everything, in every
        // sequence. Chance alone might produce none.
        const bound = { people: ['carl', 'ann'], tools: null, amount: null };
        const second: Step = { do: 'delegate', of: 0, agent: 3, terms: {}, token: bound };
        for (const round of [[first], [second], ...steps])
          await Promise.all(
            round.map((one) =>
              apply(one, made, tokens).catch((error: unknown) => {
                if (!(error instanceof Fault) || error.code === 'internal') throw error;
              }),
            ),
          );
        if (made.length === 0) return;
        const rows = await world.sql<Row[]>`select * from mandates where id = any(${made})`;
        const byId = new Map(rows.map((row) => [row.id, row]));
        for (const row of rows) {
          const chain = [row];
          for (let up = byId.get(row.parent_id ?? ''); up !== undefined; up = byId.get(up.parent_id ?? ''))
            chain.push(up);
          const [, parent] = chain;
          const handedOn = parent !== undefined && row.state === 'active';
          if (handedOn) seen.children += 1;
          expect(handedOn ? widerThan(row, parent) : []).toEqual([]);
          const token = tokens.get(row.id);
          if (handedOn && token?.resources != null) seen.narrowed += 1;
          expect(token === undefined ? [] : widerThanToken(row, token)).toEqual([]);
          for (const [tool, scope] of ASKED) {
            for (const key of people.keys()) {
              const outcome = await world.as(holderOf(row), 'explain_access', {
                tool,
                input: { person: people.get(key) },
              });
              if (outcome.status !== 'done' || outcome.output['allowed'] !== true) continue;
              seen.allowed += 1;
              expect(beyond(row, chain, tool, scope, key)).toEqual([]);
            }
          }
        }
      }),
      // The first sequence contains only those two steps, so the handed-on mandate still exists at its end.
      { numRuns: 8, examples: [[[]]] },
    );
    expect(seen.allowed).toBeGreaterThan(0);
    expect(seen.children).toBeGreaterThan(0);
    expect(seen.narrowed).toBeGreaterThan(0);
  }, 240_000);
});
