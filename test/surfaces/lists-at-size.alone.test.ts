import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withAgents, type AgentWorld } from '../support/agents.ts';
import { loadCrowd } from '../support/many.ts';
import { read } from '../support/slack-reading.ts';
import { badSteps, transactionWith, type Sent } from '../support/statements.ts';
import { openWorld } from '../support/world.ts';

/** The statements that the server has sent. */
const sent = vi.hoisted(() => ({ statements: [] as Sent[] }));
vi.mock('postgres', async (original) => {
  const { default: real } = await original<{ default: typeof postgres }>();
  const noting = (url: string, options: object) =>
    real(url, {
      ...options,
      debug: (on: number, text: string, parameters: unknown[]) =>
        void sent.statements.push({ on, text, parameters }),
    });
  return { default: Object.assign(noting, real) };
});

const OTHERS = 9999;

let world: AgentWorld;
/** A request of Bob's, which his manager Mona must approve; an executive if there is no manager. */
let source: { callId: string; approvalId: string };
/** Nina's, which her manager Faye must approve. */
let ninas: string;

interface Item {
  readonly approval_id: string;
  readonly you: string;
  readonly expires_at: string;
}
interface Page {
  readonly approvals: Item[];
  readonly next_cursor: string | null;
}

/** Plants copies of Bob's request as they would be if this person had asked. Returns the approvals' ids. */
async function plant(
  asker: string,
  count: number,
  more: { from?: number; hours?: number; approver?: string; state?: string } = {},
): Promise<string[]> {
  const { from = 1, hours = 1, state = 'pending' } = more;
  const id = (prefix: string) => `'${prefix}_' || lpad(n::text, 26, '0')`;
  const numbers = `generate_series(${from}, ${from + count - 1}) as n`;
  await world.sql.unsafe(
    `insert into calls (tenant_id, id, tool, summary, actor, principal_id, agent_id, mandate_id, targets, input, input_digest, state, decision, approval_id)
     select tenant_id, ${id('call')}, tool, summary, jsonb_set(actor, '{personId}', to_jsonb($1::text)), $1, agent_id, mandate_id, targets, input, input_digest || n, $2, decision, ${id('apr')}
       from calls, ${numbers} where id = $3`,
    [asker, state === 'pending' ? 'waiting' : state, source.callId],
  );
  const rows = await world.sql.unsafe<{ id: string }[]>(
    `insert into approvals (tenant_id, id, call_id, digest, requirements, impact, state, expires_at)
     select tenant_id, ${id('apr')}, ${id('call')}, digest,
            case when $1::text is null then requirements else jsonb_set(requirements, '{0,approver}', to_jsonb($1::text)) end,
            impact, $2, now() + make_interval(hours => $3, secs => n)
       from approvals, ${numbers} where id = $4 returning id`,
    [more.approver ?? null, state, hours, source.approvalId],
  );
  return rows.map(({ id: one }) => one);
}

async function list<T = Page>(who: string, tool = 'approval_list', input: object = {}): Promise<T> {
  const outcome = await world.as(await world.actor(who), tool, input);
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output as T;
}

async function get(path: string, token: string) {
  const response = await fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

beforeAll(async () => {
  world = await withAgents(await openWorld());
  const { ids, sql, tenantId } = world;
  const bot = await world.agent('anns-bot', 'ann');
  const asked = await world.as(await world.actor('bob'), 'mandate_create', {
    agent: bot.id,
    scopes: ['okta.users.read'],
    resources: ['*'],
    purpose: 'a lot to do',
    days: 5,
  });
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  source = asked;
  // Ten thousand of everything, and everything of some thousand people.
  await loadCrowd(world, {
    name: 'many',
    people: 8000,
    each: 0,
    agent: bot.id,
    role: 'many_role',
    scope: 'okta.users.read',
  });
  await sql`insert into agents (tenant_id, id, name, owner_id, ceiling)
    select ${tenantId}, 'agt_00' || lpad(n::text, 24, '0'), 'crowd bot ' || n, p.id, '{okta.users.read}'
      from generate_series(1, 2000) n, (select id from people where login = 'many1@crowd.example') p`;
  await sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at)
    select tenant_id, 'mdt_00' || lpad((row_number() over (order by id, n))::text, 24, '0'), id, ${bot.id}, '{okta.users.read}', '{*}', 'a crowd', 'call_crowd', now(), now() + interval '30 days'
      from people, generate_series(1, 2) n where login like 'many%@crowd.example'`;
  await sql`insert into groups (tenant_id, id, source, uid, name, kind)
    select ${tenantId}, 'grp_00' || lpad(n::text, 24, '0'), 'okta', '00gcrowd' || n, 'Crowd ' || n, 'OKTA_GROUP' from generate_series(1, 400) n`;
  await sql`insert into memberships (tenant_id, group_id, person_id)
    select p.tenant_id, 'grp_00' || lpad((1 + (row_number() over (order by p.id) + 97 * k) % 400)::text, 24, '0'), p.id
      from people p, generate_series(1, 3) k where p.login like 'many%@crowd.example'`;
  await plant(ids.bob, OTHERS);
  await plant(ids.ann, 12_000, { from: 20_000, state: 'rejected' });
  await sql`insert into votes (tenant_id, id, approval_id, voter_id, vote, identity)
    select tenant_id, 'vote_' || substr(id, 5), id, ${ids.mona}, 'deny', '{}' from approvals where state = 'rejected' and tenant_id = ${tenantId}`;
  ninas = (await plant(ids.nina, 1, { from: 15_000, hours: 48 }))[0]!;
  await sql`analyze`;
}, 600_000);
afterAll(() => world.close());

describe('approval_list, with ten thousand approvals that wait for others', () => {
  test('shows what waits for one person, and what one person asked for', async () => {
    expect(await list('faye')).toEqual({
      approvals: [expect.objectContaining({ approval_id: ninas, you: 'approver' })],
      next_cursor: null,
    });
    expect(await list('nina')).toMatchObject({ approvals: [{ approval_id: ninas, you: 'requester' }] });
    expect(await list('carl')).toEqual({ approvals: [], next_cursor: null });
  });

  test('does not show a person what only others can decide, though a rule would ask them in the end', async () => {
    expect(await list('erin')).toEqual({ approvals: [], next_cursor: null });
  });

  test('comes in pages, most urgent first, without gap or repetition, also when the last one shown is decided', async () => {
    const found: Item[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 4; page += 1) {
      const answer: Page = await list('mona', 'approval_list', {
        limit: 30,
        ...(cursor === null ? {} : { cursor }),
      });
      expect(answer.approvals).toHaveLength(30);
      found.push(...answer.approvals);
      cursor = answer.next_cursor;
      await world.sql`update approvals set state = 'withdrawn' where id = ${answer.approvals.at(-1)!.approval_id}`;
    }
    expect(found.map(({ approval_id: id }) => Number(id.slice(4)))).toEqual(
      Array.from({ length: 120 }, (_, n) => n + 1),
    );
    expect(found.every(({ you }) => you === 'approver')).toBe(true);
    const decided = new Set(['30', '60', '90', '120']);
    const again = await list('mona', 'approval_list', { limit: 100 });
    expect(again.approvals.map(({ approval_id: id }) => String(Number(id.slice(4))))).not.toEqual(
      expect.arrayContaining([...decided]),
    );
  });

  test('shows a request to whoever becomes its approver, and no more to whoever was', async () => {
    const sees = async (who: string) =>
      (await list(who)).approvals.some(({ approval_id: id }) => id === ninas);
    await world.sql`update people set manager_id = ${world.ids.carl} where id = ${world.ids.nina}`;
    expect([await sees('carl'), await sees('faye')]).toEqual([true, false]);
    await world.sql`update people set manager_id = ${world.ids.faye} where id = ${world.ids.nina}`;
    expect([await sees('carl'), await sees('faye')]).toEqual([false, true]);
    const [group] = await world.sql<
      { id: string }[]
    >`select id from groups where uid = '00gfinance00000000h7'`;
    const [asked] = await plant(world.ids.bob, 1, { from: 16_000, approver: `group:${group!.id}` });
    const finds = async () => (await list('carl')).approvals.some(({ approval_id: id }) => id === asked);
    expect(await finds()).toBe(false);
    await world.sql`insert into memberships (tenant_id, group_id, person_id) values (${world.tenantId}, ${group!.id}, ${world.ids.carl})`;
    expect(await finds()).toBe(true);
    await world.sql`delete from memberships where group_id = ${group!.id} and person_id = ${world.ids.carl}`;
    expect(await finds()).toBe(false);
    await world.sql`update approvals set state = 'withdrawn' where id = ${asked!}`;
  });

  test('shows a fallback what waits once it is escalated, or once nobody of the approvers is left', async () => {
    const sees = async () => (await list('erin')).approvals.map(({ approval_id: id }) => id);
    await world.sql`update approvals set escalated_at = now() where id = ${ninas}`;
    expect(await sees()).toContain(ninas);
    await world.sql`update approvals set escalated_at = null where id = ${ninas}`;
    expect(await sees()).not.toContain(ninas);
    await world.sql`update people set held = true where id = ${world.ids.faye}`;
    expect(await sees()).toContain(ninas);
    await world.sql`update people set held = false where id = ${world.ids.faye}`;
  });

  test('is paged in Slack by its cursor', async () => {
    const mona = world.slack.as('mona');
    const before = new Set((await mona.sees()).map(({ ts }) => ts));
    await mona.types('/approval list');
    const first = await mona.waitsFor(
      (one) => !before.has(one.ts) && read(one).includes('Waiting for approval · 1–10'),
      90_000,
    );
    await mona.clicks(first, 'Next');
    const second = await mona.waitsFor((one) => one.ts === first.ts && read(one).includes('11–20'), 90_000);
    expect(read(second)).toContain('You decide');
  });
});

describe('GET /v1/approvals and GET /v1/calls', () => {
  test('find what concerns one person behind thousands of others, by state too', async () => {
    const token = await world.personToken('faye', ['delegation:read']);
    for (const query of ['', '?state=pending']) {
      const { body } = await get(`/v1/approvals${query}`, token);
      expect(body).toMatchObject({ approvals: [{ id: ninas }], next_cursor: null });
    }
    expect((await get('/v1/approvals?state=rejected', token)).body).toEqual({
      approvals: [],
      next_cursor: null,
    });
    const ninasToken = await world.personToken('nina', ['delegation:read']);
    expect((await get('/v1/calls?state=waiting', ninasToken)).body).toMatchObject({
      calls: [{ approval_id: ninas }],
      next_cursor: null,
    });
  });

  test('a voter finds what they decided, page after page', async () => {
    const token = await world.personToken('mona', ['delegation:read']);
    const first = (await get('/v1/approvals?state=rejected&limit=20', token)).body as unknown as {
      approvals: { id: string; state: string }[];
      next_cursor: string;
    };
    const second = (await get(`/v1/approvals?state=rejected&limit=20&cursor=${first.next_cursor}`, token))
      .body as unknown as typeof first;
    const ids = [...first.approvals, ...second.approvals].map(({ id }) => Number(id.slice(4)));
    expect(ids).toEqual(Array.from({ length: 40 }, (_, n) => 31_999 - n));
  });
});

describe('the lists of mandates and agents', () => {
  interface Mandates {
    readonly mandates: { mandate_id: string; principal: { id: string } }[];
    readonly next_cursor: string | null;
    readonly total: number | null;
  }

  test('show a person their own, and those of their agents, among sixteen thousand', async () => {
    const bobs = await list<Mandates>('bob', 'mandate_list');
    expect(bobs).toMatchObject({ total: 1, next_cursor: null });
    expect(bobs.mandates).toMatchObject([{ principal: { id: world.ids.bob } }]);
    expect(await list<Mandates>('nina', 'mandate_list')).toMatchObject({ total: 0, mandates: [] });
    // Ann owns the agent of all the others.
    const anns = await list<Mandates>('ann', 'mandate_list');
    expect(anns).toMatchObject({ total: null });
    expect(anns.mandates).toHaveLength(25);
    const dana = await list<Mandates>('dana', 'mandate_list', { limit: 100 });
    const next = await list<Mandates>('dana', 'mandate_list', { limit: 100, cursor: dana.next_cursor });
    const ids = [...dana.mandates, ...next.mandates].map(({ mandate_id: id }) => id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(new Set(ids).size).toBe(200);
  });

  test('show an agent itself, behind two thousand older ones', async () => {
    const response = await fetch(`${world.url}/v1/tools/agent_list`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await world.bearer({ audience: `${world.app.baseUrl}/v1` })}`,
        'content-type': 'application/json',
      },
      body: '{}',
    });
    expect(await response.json()).toMatchObject({
      result: { agents: [{ owner_id: world.ids.carl }], total: 1, next_cursor: null },
    });
  });
});

test('a cursor that no list has given is refused in words', async () => {
  for (const [tool, cursor] of [
    ['approval_list', 'nonsense'],
    ['approval_list', `apr_${'z'.repeat(26)}`],
    ['mandate_list', 'agt_00000000000000000000000001'],
    ['agent_list', 'x'],
    ['group_mapping_list', 'e30'],
    ['break_glass_list', 'x'],
    ['breaker_list', 'x'],
  ] as const) {
    const refused = await world.as(await world.actor('dana'), tool, { cursor }).then(
      (outcome) => JSON.stringify(outcome),
      (error: Error) => error.message,
    );
    expect([tool, refused]).toEqual([
      tool,
      expect.stringMatching(/next_cursor of a page|not from this list/),
    ]);
  }
});

describe('a page is a handful of statements, whatever its length, and reads no table from end to end', () => {
  const asPerson = (who: string, tool: string) => (limit: number) => list<unknown>(who, tool, { limit });
  const asCaller = (who: 'mona' | 'bob' | 'dana', path: string) => async (limit: number) =>
    get(`${path}limit=${limit}`, await world.personToken(who, ['delegation:read']));
  test.each([
    ['approval_list of an approver', /from approval_parties/, asPerson('mona', 'approval_list')],
    ['approval_list of an IT admin', /state = 'pending'/, asPerson('dana', 'approval_list')],
    ['GET /v1/approvals of an approver', /from approval_parties/, asCaller('mona', '/v1/approvals?')],
    [
      'GET /v1/approvals of an IT admin',
      /from approvals where/,
      asCaller('dana', '/v1/approvals?state=rejected&'),
    ],
    ['GET /v1/calls of a person', /call_targets/, asCaller('bob', '/v1/calls?')],
    ['GET /v1/calls by tool', /c.tool/, asCaller('dana', '/v1/calls?tool=mandate_create&')],
    ['mandate_list of the owner of a busy agent', /from mandates m/, asPerson('ann', 'mandate_list')],
    ['mandate_list of an IT admin', /from mandates m/, asPerson('dana', 'mandate_list')],
    ['agent_list', /from "agents"/, asPerson('dana', 'agent_list')],
  ])('%s', async (_, mark, ask) => {
    const taken = async (limit: number) => {
      sent.statements.length = 0;
      await ask(limit);
      return transactionWith(sent.statements, mark);
    };
    const [few, many] = [await taken(5), await taken(50)];
    expect(many.length).toBe(few.length);
    expect(many.length).toBeLessThan(25);
    // Names that several people have are looked up by an expression, which is a matter of its own.
    const own = many.filter(
      ({ text }) => !/^(select set_config|set )/i.test(text) && !text.includes('lower('),
    );
    const wrong = [];
    for (const statement of own) wrong.push(...(await badSteps(world, statement)));
    expect(wrong).toEqual([]);
  });
});
