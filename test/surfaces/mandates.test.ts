import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import type { Outcome } from '#engine/outcome.ts';
import { newId } from '#lib/id.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let clock: Date | null = null;
beforeAll(async () => {
  world = await openWorld({ now: () => clock ?? new Date() });
});
afterAll(() => world.close());

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
  return outcome.output;
};
const denied = (outcome: Outcome) => (outcome.status === 'denied' ? outcome.denial.code : outcome.status);
const row = async (id: string) =>
  (
    await world.sql<
      {
        state: string;
        epoch: number;
        uses: number;
        scopes: string[];
        resources: string[];
        amount: string | null;
        depth: number;
        parent_id: string | null;
        principal_id: string;
        expires_at: Date;
        reason: string | null;
      }[]
    >`select * from mandates where id = ${id}`
  )[0]!;
const causes = async (id: string) =>
  (
    await world.sql<
      { cause: string }[]
    >`select cause from mandate_freezes where mandate_id = ${id} order by 1`
  ).map((one) => one.cause);

async function agentActor(
  agent: TestAgent,
  principal: string,
  mandateId: string,
  scopes = ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'],
): Promise<AgentActor> {
  const personId = (await world.person(principal)).id;
  return { kind: 'agent', surface: 'mcp', agentId: agent.id, personId, mandateId, scopes, jti: 'test' };
}

const may = async (actor: AgentActor, person: string, tool = 'okta_reset_mfa') =>
  done(await world.as(actor, 'explain_access', { tool, input: { person: `${person}@acme.example` } }));

let count = 0;
/** Bob gives his own agent a mandate, which nobody needs to approve. */
async function given(terms: Record<string, unknown> = {}) {
  count += 1;
  const agent = await world.agent(`bot-${count}`, 'bob');
  const mandateId = await world.mandate('bob', agent, terms);
  return { agent, mandateId, actor: await agentActor(agent, 'bob', mandateId) };
}
const handOn = async (actor: AgentActor, owner: string, terms: Record<string, unknown> = {}) => {
  count += 1;
  const agent = await world.agent(`child-${count}`, owner);
  const output = await world.agreed(
    await world.as(actor, 'mandate_delegate', { agent: agent.id, purpose: 'a part of it', ...terms }),
  );
  const mandateId = String(output['mandate_id']);
  return { agent, mandateId, output, actor: await agentActor(agent, 'bob', mandateId) };
};

describe('what a mandate may say', () => {
  test('a template fills what is left out, and what is said goes before it', async () => {
    const agent = await world.agent('template-bot', 'bob');
    const bob = await world.actor('bob');
    const list = done(await world.as(bob, 'mandate_template_list', {}));
    const templates = list['templates'] as { own: boolean }[];
    expect(templates.filter(({ own }) => !own)).toMatchObject([
      { name: 'Help desk for my team, 1 day', own: false },
      { name: 'Reset MFA for my team, 7 days', own: false },
    ]);
    const output = done(
      await world.as(bob, 'mandate_create', {
        agent: agent.id,
        template: 'help desk for my team, 1 DAY',
        max_uses: 2,
      }),
    );
    expect(output).toMatchObject({
      scopes: ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'],
      resources: [`reports:${bob.personId}`],
    });
    const shown = done(await world.as(bob, 'mandate_show', { mandate_id: output['mandate_id'] }));
    expect(shown).toMatchObject({ purpose: 'Help desk for my team', max_uses: 2, causes: [] });
    const words = shown['in_words'] as { allows: string; forbids: string };
    expect(words.allows).toContain("on Bob Meyer's direct reports, until ");
    expect(words.forbids).toMatch(
      /^It may not do anything else, .* or do what Bob Meyer may not do at that moment\.$/,
    );
  });

  test('IT admins save templates, and nobody else', async () => {
    const terms = {
      name: 'Watch the team',
      description: 'Looking only',
      scopes: ['okta.users.read'],
      days: 30,
      purpose: 'Watching',
    };
    expect(denied(await world.as(await world.actor('bob'), 'mandate_template_save', terms))).toBe(
      'no_policy_allows',
    );
    expect(done(await world.as(await world.actor('dana'), 'mandate_template_save', terms))).toMatchObject({
      replaced: false,
    });
    expect(
      done(await world.as(await world.actor('dana'), 'mandate_template_save', { ...terms, days: 3 })),
    ).toMatchObject({ replaced: true });
    const agent = await world.agent('watch-bot', 'bob');
    const output = done(
      await world.as(await world.actor('bob'), 'mandate_create', {
        agent: agent.id,
        template: 'Watch the team',
      }),
    );
    const ends = new Date(String(output['expires_at'])).getTime() - Date.now();
    expect(Math.round(ends / 86_400_000)).toBe(3);
    expect(await world.ledger('mandate_template_saved')).toHaveLength(2);
  });

  test.each([
    ['no scopes and no template', { purpose: 'for nothing' }, 'invalid_input', 'scopes'],
    ['a template that is not there', { template: 'nothing like it' }, 'not_found', undefined],
    ['a scope that nothing knows', { scopes: ['moon.land'], purpose: 'to fly' }, 'invalid_input', 'scopes'],
    [
      'a tool that is not there',
      { scopes: ['okta.mfa.reset'], tools: ['okta_fly'], purpose: 'to fly' },
      'invalid_input',
      'tools',
    ],
    [
      'a tool beyond the scopes',
      { scopes: ['okta.mfa.reset'], tools: ['okta_reset_password'], purpose: 'to fly' },
      'invalid_input',
      'tools',
    ],
    [
      'an amount without currency',
      { scopes: ['okta.mfa.reset'], amount: 5, purpose: 'to pay' },
      'invalid_input',
      'currency',
    ],
  ])('refused: %s', async (_, input, code, field) => {
    const agent = await world.agent(`refused-${(count += 1)}`, 'bob');
    await expect(
      world.as(await world.actor('bob'), 'mandate_create', { agent: agent.id, ...input }),
    ).rejects.toMatchObject({
      code,
      ...(field === undefined ? {} : { detail: { problems: [{ field }] } }),
    });
    expect(await world.sql`select 1 from mandates where agent_id = ${agent.id}`).toHaveLength(0);
  });

  test('tools, hours and amounts bound every use', async () => {
    const { actor } = await given({ tools: ['okta_reset_mfa'] });
    expect(await may(actor, 'carl')).toMatchObject({ allowed: true });
    expect(await may(actor, 'carl', 'okta_reset_password')).toMatchObject({
      denial: { code: 'tool_not_delegated' },
    });

    const window = { days: [1, 2, 3, 4, 5], from: '08:00', to: '17:00', timezone: 'Europe/Vienna' };
    const office = await given({ window, days: 60 });
    const real = new Date();
    const monday = new Date(real.getTime() + ((8 - (real.getUTCDay() || 7)) % 7 || 7) * 86_400_000);
    try {
      clock = new Date(`${monday.toISOString().slice(0, 10)}T11:00:00Z`);
      expect(await may(office.actor, 'carl')).toMatchObject({ allowed: true });
      clock = new Date(`${monday.toISOString().slice(0, 10)}T19:00:00Z`);
      expect(await may(office.actor, 'carl')).toMatchObject({ denial: { code: 'outside_window' } });
    } finally {
      clock = null;
    }
    await world.sql`update mandates set "window" = ${world.sql.json({ ...window, timezone: 'Europe/Atlantis' })} where id = ${office.mandateId}`;
    expect(await may(office.actor, 'carl')).toMatchObject({ denial: { code: 'outside_window' } });

    const priced = await given({ amount: 100, currency: 'EUR' });
    expect(await may(priced.actor, 'carl')).toMatchObject({ denial: { code: 'amount_exceeded' } });
  });

  test('what is of high value waits for an executive, and a scope outside the catalogue is refused', async () => {
    const { sql } = world;
    const agent = await world.agent('high-bot', 'bob');
    await sql`create table public.kept_scopes as select * from scopes`;
    await sql`update scopes set sensitivity = 'high' where scope = 'okta.password.reset'`;
    await sql`update scopes set sensitivity = 'normal', amount_threshold = 50, currency = 'EUR' where scope = 'okta.mfa.reset'`;
    await sql`delete from scopes where scope = 'okta.users.read'`;
    try {
      const ask = async (more: Record<string, unknown>) =>
        world.as(await world.actor('bob'), 'mandate_create', {
          agent: agent.id,
          purpose: 'high value',
          ...more,
        });
      const high = await ask({ scopes: ['okta.password.reset'] });
      expect(high.status).toBe('waiting');
      expect((await ask({ scopes: ['okta.mfa.reset'] })).status).toBe('waiting');
      expect((await ask({ scopes: ['okta.mfa.reset'], amount: 51, currency: 'EUR' })).status).toBe('waiting');
      expect((await ask({ scopes: ['okta.mfa.reset'], amount: 20, currency: 'USD' })).status).toBe('waiting');
      expect((await ask({ scopes: ['okta.mfa.reset'], amount: 50, currency: 'EUR' })).status).toBe('done');
      await expect(ask({ scopes: ['okta.users.read'] })).rejects.toMatchObject({ code: 'invalid_input' });
      const approvalId = high.status === 'waiting' ? high.approvalId : '';
      await expect(world.vote('faye', approvalId)).rejects.toMatchObject({
        detail: { reason: 'not_eligible' },
      });
      expect((await world.vote('erin', approvalId)).status).toBe('done');
      await eventually(
        async () =>
          (
            await sql`select 1 from mandates where agent_id = ${agent.id} and 'okta.password.reset' = any(scopes)`
          )[0],
        'it stands',
      );
    } finally {
      await sql`delete from scopes`;
      await sql`insert into scopes select * from kept_scopes`;
    }
  });
});

describe('the life of a mandate', () => {
  test('narrowing takes effect at once and kills tokens of before; wider is a new mandate', async () => {
    const { agent, mandateId, actor } = await given({ resources: ['team'], max_uses: 9 });
    const token = await world.token(agent, 'bob', mandateId);
    expect(token).not.toBe('');
    const bob = await world.actor('bob');
    for (const wider of [
      { scopes: ['okta.mfa.reset', 'okta.users.read'] },
      { resources: ['*'] },
      { resources: ['nina@acme.example'] },
      { days: 30 },
      { max_uses: 10 },
      { may_delegate: 1 },
    ]) {
      await expect(
        world.as(bob, 'mandate_narrow', { mandate_id: mandateId, ...wider }),
      ).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('Give a new mandate instead'),
      });
    }
    const before = await row(mandateId);
    done(
      await world.as(bob, 'mandate_narrow', {
        mandate_id: mandateId,
        scopes: ['okta.mfa.reset'],
        resources: ['carl@acme.example'],
        days: 1,
      }),
    );
    const after = await row(mandateId);
    expect(after).toMatchObject({ scopes: ['okta.mfa.reset'], epoch: before.epoch + 1 });
    expect(after.expires_at < before.expires_at).toBe(true);
    expect(await may(actor, 'ann')).toMatchObject({ denial: { code: 'outside_mandate' } });
    expect(await may(actor, 'carl')).toMatchObject({ allowed: true });
    expect((await world.ledger('MANDATE_NARROWED')).at(-1)?.data).toMatchObject({ mandate_id: mandateId });
  });

  test('narrowing to fewer levels of handing on ends what was handed on deeper, and leaves the rest', async () => {
    const { mandateId, actor } = await given({ may_delegate: 2 });
    const part = await handOn(actor, 'bob');
    const { mandateId: child } = part;
    const { mandateId: grandchild } = await handOn(part.actor, 'bob');
    const states = async () =>
      (await Promise.all([mandateId, child, grandchild].map(row))).map(({ state, depth }) => [state, depth]);
    expect(await states()).toEqual([
      ['active', 2],
      ['active', 1],
      ['active', 0],
    ]);
    const bob = await world.actor('bob');
    const narrow = async (levels: number) =>
      done(await world.as(bob, 'mandate_narrow', { mandate_id: mandateId, may_delegate: levels }));
    expect(await narrow(1)).toMatchObject({ revoked: [grandchild] });
    expect(await states()).toEqual([
      ['active', 1],
      ['active', 0],
      ['revoked', 0],
    ]);
    expect(await narrow(0)).toMatchObject({ revoked: [child] });
    expect((await states())[1]).toEqual(['revoked', 0]);
    const asked = { tool: 'okta_reset_mfa', input: { person: 'ann@acme.example' } };
    expect(denied(await world.as(part.actor, 'explain_access', asked))).toBe('mandate_revoked');
    expect(await may(actor, 'ann')).toMatchObject({ allowed: true });
  });

  test("renewing one's own agent's mandate takes effect; for somebody else's agent the manager is asked again", async () => {
    const own = await given({ days: 2 });
    const bob = await world.actor('bob');
    await expect(
      world.as(bob, 'mandate_renew', { mandate_id: own.mandateId, days: 1 }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    done(await world.as(bob, 'mandate_renew', { mandate_id: own.mandateId, days: 9 }));
    const left = (await row(own.mandateId)).expires_at.getTime() - Date.now();
    expect(Math.round(left / 86_400_000)).toBe(9);

    const agent = await world.agent('carls-bot', 'carl');
    const mandateId = await world.mandate('bob', agent, { days: 2 });
    const asked = await world.as(bob, 'mandate_renew', { mandate_id: mandateId, days: 9 });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await expect(world.vote('carl', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    done(await world.vote('mona', asked.approvalId));
    await eventually(
      async () => (await row(mandateId)).expires_at.getTime() > Date.now() + 8 * 86_400_000,
      'it is renewed',
    );
    expect(
      denied(await world.as(await world.actor('dana'), 'mandate_renew', { mandate_id: mandateId, days: 20 })),
    ).toBe('no_policy_allows');
  });

  test('a freeze has causes, and lifting one lifts no other', async () => {
    const { mandateId, actor } = await given();
    const [bob, dana, nina] = await Promise.all(['bob', 'dana', 'nina'].map((key) => world.actor(key)));
    expect(denied(await world.as(nina!, 'mandate_freeze', { mandate_id: mandateId }))).toBe(
      'no_policy_allows',
    );
    expect(done(await world.as(bob!, 'mandate_freeze', { mandate_id: mandateId }))).toMatchObject({
      cause: 'principal',
    });
    expect(
      done(await world.as(dana!, 'mandate_freeze', { mandate_id: mandateId, reason: 'looks odd' })),
    ).toMatchObject({ cause: 'admin' });
    expect(denied(await world.as(actor, 'okta_reset_mfa', { person: 'carl@acme.example' }))).toBe(
      'mandate_frozen',
    );
    expect(done(await world.as(dana!, 'mandate_thaw', { mandate_id: mandateId }))).toMatchObject({
      thawed: [],
      causes_left: ['principal'],
    });
    await expect(world.as(dana!, 'mandate_thaw', { mandate_id: mandateId })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await causes(mandateId)).toEqual(['principal']);
    expect(done(await world.as(bob!, 'mandate_thaw', { mandate_id: mandateId }))).toMatchObject({
      thawed: [mandateId],
    });
    expect(await may(actor, 'carl')).toMatchObject({ allowed: true });
  });
});

describe('handing on', () => {
  test('a child is a part of its parent, names its chain in the ledger, and is bounded by it at every use', async () => {
    const { mandateId, actor } = await given({ may_delegate: 1, max_uses: 5 });
    const child = await handOn(actor, 'carl', {
      scopes: ['okta.mfa.reset'],
      resources: ['carl@acme.example'],
      days: 1,
    });
    expect(await row(child.mandateId)).toMatchObject({
      parent_id: mandateId,
      depth: 0,
      principal_id: actor.personId,
    });
    expect((await world.ledger('MANDATE_CREATED')).at(-1)?.data).toMatchObject({
      mandate_id: child.mandateId,
      parent_id: mandateId,
      chain: [mandateId],
    });
    expect(await may(child.actor, 'ann')).toMatchObject({ denial: { code: 'outside_mandate' } });
    expect(await may(child.actor, 'carl', 'okta_reset_password')).toMatchObject({
      denial: { code: 'scope_not_delegated' },
    });
    const shown = done(await world.as(await world.actor('bob'), 'mandate_show', { mandate_id: mandateId }));
    expect(shown['tree']).toEqual({ parent_id: null, children: [child.mandateId] });
    // The last level is used up.
    await expect(
      world.as(child.actor, 'mandate_delegate', { agent: actor.agentId, purpose: 'further' }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    await world.as(await world.actor('bob'), 'mandate_narrow', {
      mandate_id: mandateId,
      resources: ['ann@acme.example'],
    });
    expect((await row(child.mandateId)).state).toBe('revoked');
  });

  test.each([
    ['a scope that the parent lacks', { scopes: ['okta.users.read'] }, 'scopes'],
    ['everybody', { resources: ['*'] }, 'resources'],
    ['somebody outside the team', { resources: ['nina@acme.example'] }, 'resources'],
    ['more uses', { max_uses: 6 }, 'max_uses'],
    ['a longer time', { days: 30 }, 'days'],
    ['as many levels', { may_delegate: 2 }, 'may_delegate'],
    ['a higher amount', { amount: 11, currency: 'EUR' }, 'amount'],
    ['more tools', { tools: ['okta_reset_mfa', 'okta_reset_password'] }, 'tools'],
  ])('no child has %s', async (_, wider, field) => {
    const { actor } = await given({
      may_delegate: 2,
      max_uses: 5,
      amount: 10,
      currency: 'EUR',
      tools: ['okta_reset_mfa'],
    });
    const agent = await world.agent(`wider-${(count += 1)}`, 'carl');
    await expect(
      world.as(actor, 'mandate_delegate', { agent: agent.id, purpose: 'more', ...wider }),
    ).rejects.toMatchObject({
      code: 'forbidden',
      detail: { missing: { mandate: [field] } },
    });
  });

  test('only an agent hands on, and what its token lacks it cannot give', async () => {
    const { actor } = await given({ may_delegate: 1 });
    const agent = await world.agent('other-bot', 'carl');
    expect(
      denied(
        await world.as(await world.actor('bob'), 'mandate_delegate', { agent: agent.id, purpose: 'by hand' }),
      ),
    ).toBe('no_policy_allows');
    const narrow = { ...actor, scopes: ['okta.mfa.reset'] };
    await expect(
      world.as(narrow, 'mandate_delegate', {
        agent: agent.id,
        scopes: ['okta.password.reset'],
        purpose: 'beyond',
      }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    expect(
      await world.agreed(
        await world.as(narrow, 'mandate_delegate', { agent: agent.id, purpose: 'what it has' }),
      ),
    ).toMatchObject({ scopes: ['okta.mfa.reset'] });
    // Governance is for people, whatever a token holds.
    expect(denied(await world.as(actor, 'mandate_renew', { mandate_id: actor.mandateId, days: 30 }))).toBe(
      'forbidden_by_policy',
    );
  });

  test('freezing, revoking and expiring a mandate does the same to everything below', async () => {
    const bob = await world.actor('bob');
    const { mandateId, actor } = await given({ may_delegate: 3 });
    const one = await handOn(actor, 'carl');
    const two = await handOn(one.actor, 'ann');
    const all = [mandateId, one.mandateId, two.mandateId];
    expect(await Promise.all(all.map(async (id) => (await row(id)).depth))).toEqual([3, 2, 1]);
    expect(done(await world.as(bob, 'mandate_freeze', { mandate_id: mandateId }))['frozen']).toEqual(all);
    expect(await causes(two.mandateId)).toEqual(['parent_frozen']);
    expect(denied(await world.as(two.actor, 'okta_reset_mfa', { person: 'carl@acme.example' }))).toBe(
      'mandate_frozen',
    );
    done(await world.as(await world.actor('dana'), 'mandate_freeze', { mandate_id: one.mandateId }));
    expect(done(await world.as(bob, 'mandate_thaw', { mandate_id: mandateId }))['thawed']).toEqual([
      mandateId,
    ]);
    expect(await causes(one.mandateId)).toEqual(['admin']);
    expect(
      done(await world.as(await world.actor('dana'), 'mandate_thaw', { mandate_id: one.mandateId }))[
        'thawed'
      ],
    ).toEqual([one.mandateId, two.mandateId]);
    expect(await may(two.actor, 'carl')).toMatchObject({ allowed: true });
    expect(done(await world.as(bob, 'mandate_revoke', { mandate_id: one.mandateId }))['revoked']).toEqual([
      one.mandateId,
      two.mandateId,
    ]);
    expect((await row(mandateId)).state).toBe('active');
    expect(denied(await world.as(two.actor, 'okta_reset_mfa', { person: 'carl@acme.example' }))).toBe(
      'mandate_revoked',
    );
  });

  test('a tree of many ends in one revocation: each has its ledger entry and is told of in Slack, in one message by a job that they share', async () => {
    const { mandateId } = await given();
    const below = Array.from({ length: 24 }, () => newId('mdt'));
    await world.sql`
      insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, parent_id, call_id, starts_at, expires_at)
      select tenant_id, child, principal_id, agent_id, scopes, resources, purpose, id, call_id, starts_at, expires_at
        from mandates, unnest(${below}::text[]) as child where id = ${mandateId}`;
    const all = [mandateId, ...below].sort();
    const output = done(
      await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mandateId }),
    );
    expect(output['revoked']).toEqual(all);
    const entries = (await world.ledger('MANDATE_REVOKED')).map((entry) => entry.data['mandate_id']);
    expect(entries.filter((id) => all.includes(String(id)))).toEqual(all);
    const jobs = await world.sql<{ things: string[] }[]>`
      select string_to_array(data ->> 'thing', ' ') as things from pgboss.job
       where data ->> 'fact' = 'mandate.revoked' and data ->> 'thing' like ${`%${mandateId}%`}`;
    expect(jobs.map(({ things }) => things)).toEqual([all]);
    await eventually(async () => {
      const told = await world.sql<{ thing: string }[]>`
        select distinct i.thing from slack_summary_items i
          join slack_messages m on m.thing = i.summary_id and m.ts is not null where i.thing = any(${all})`;
      return told.length === all.length ? told : undefined;
    }, 'each is told of in Slack');
  });

  test('lists are filtered by agent, principal and state', async () => {
    const { agent, mandateId } = await given();
    const list = async (key: string, filter: Record<string, unknown>) =>
      (
        done(await world.as(await world.actor(key), 'mandate_list', filter))['mandates'] as {
          mandate_id: string;
        }[]
      ).map((one) => one.mandate_id);
    expect(await list('dana', { agent: agent.name })).toEqual([mandateId]);
    expect(await list('dana', { principal: 'bob@acme.example', limit: 100 })).toContain(mandateId);
    expect(await list('dana', { agent: agent.name, state: 'revoked' })).toEqual([]);
    expect(await list('nina', { agent: agent.name })).toEqual([]);
  });
});
