import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '#engine/outcome.ts';
import { main } from '../../src/main/cli.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const dana = () => world.actor('dana');
const set = async (input: Record<string, unknown>) =>
  world.as(await dana(), 'policy_requirement_set', { note: 'a test', ...input });
const agreed = async (input: Record<string, unknown>) => world.agreed(await set(input));

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output;
};
const shown = async (version?: number) =>
  done(await world.as(await dana(), 'policy_show', version === undefined ? {} : { version }));
/** Sets the policies that ship with the product, unless they are in force. */
const restoreShipped = async () => {
  if ((await shown())['text'] !== (await shown(0))['text'])
    await world.agreed(await world.as(await dana(), 'policy_set', { version: 0, note: 'back' }));
};
const asksFor = async (key: string, tool: string, input: Record<string, unknown>) =>
  done(await world.as(await world.actor(key), 'explain_access', { tool, input }));
const personOf = async (key: string) => (await world.person(key)).id;

describe('one requirement', () => {
  test('is added by two humans, without the rest of the text, and taken back', async () => {
    await restoreShipped();
    const version = Number((await shown())['version']);
    const nina = await personOf('nina');
    expect(await asksFor('dana', 'okta_suspend_user', { person: nina })).toMatchObject({ approvals: [] });
    const asked = await set({
      action: 'okta_suspend_user',
      approver: 'role:it_admin',
      why: 'Two of us look.',
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    const [row] = await world.sql<
      { impact: { changes: { what: string; from?: string; to?: string }[] } }[]
    >`select impact from approvals where id = ${asked.approvalId}`;
    // What only agents were asked is replaced too, and the preview says so.
    expect(row?.impact.changes[0]).toMatchObject({
      from: expect.stringContaining('Agents can change Okta only') as string,
      to: '1 approval by an IT admin',
    });
    expect(await shown()).toMatchObject({ version });
    expect(await world.agreed(asked)).toMatchObject({
      version: version + 1,
      previous_version: version,
      two_humans: true,
    });
    expect((await world.ledger('policy_changed')).slice(version)).toMatchObject([
      { data: { version: version + 1, note: 'a test' } },
    ]);
    expect(await asksFor('dana', 'okta_suspend_user', { person: nina })).toMatchObject({
      approvals: [{ policy: 'requirement:okta_suspend_user', reason: 'Two of us look.', quorum: 1 }],
    });
    const waiting = await world.as(await dana(), 'okta_suspend_user', { person: nina });
    expect(waiting.status).toBe('waiting');
    // The rest decides as it did, and what stays is no copy in the text.
    const { text } = await shown();
    expect(text).toContain('@id("managers-help-their-reports")');
    expect(text).not.toContain('@id("governance-takes-two-humans")');
    expect(await agreed({ action: 'okta_suspend_user', approver: 'as_before' })).toMatchObject({
      version: version + 2,
    });
    expect(await asksFor('dana', 'okta_suspend_user', { person: nina })).toMatchObject({ approvals: [] });
    expect((await shown())['text']).not.toContain('requirement:');
    await expect(set({ action: 'okta_suspend_user', approver: 'as_before' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('Nothing would change') as string,
    });
  });

  test('replaces what other policies ask in its cases, and in no others; what stays is asked beside it', async () => {
    const carl = await world.agent('one-requirement-bot', 'bob');
    const input = { agent: carl.id, scopes: ['okta.mfa.reset'], resources: ['team'], purpose: 'a test' };
    expect(await asksFor('mona', 'mandate_create', input)).toMatchObject({
      approvals: [{ policy: 'another-persons-agent-needs-the-manager' }],
    });
    const preview = await set({
      action: 'mandate_create',
      approver: 'role:it_admin',
      asked_by: 'people',
      role: 'manager',
    });
    if (preview.status !== 'waiting') throw new Error(JSON.stringify(preview));
    const [row] = await world.sql<
      { impact: { changes: { what: string; from?: string; to?: string }[] } }[]
    >`select impact from approvals where id = ${preview.approvalId}`;
    const [change, stays] = row?.impact.changes ?? [];
    expect(change).toMatchObject({
      what: expect.stringContaining(
        'when people themselves ask, for somebody with the role manager',
      ) as string,
      from: expect.stringContaining("1 approval by the requester's manager") as string,
      to: '1 approval by an IT admin',
    });
    expect(stays).toMatchObject({
      what: 'stays in any case',
      to: expect.stringContaining('themselves') as string,
    });
    await world.agreed(preview);
    expect(await asksFor('mona', 'mandate_create', input)).toMatchObject({
      approvals: [{ policy: 'requirement:mandate_create:people:role-manager' }],
    });
    const unless = (of: unknown) => String(of).match(/unless \{ action == Action::"mandate_create"/g)?.length;
    const narrowed = unless((await shown())['text']);
    // Setting the same again replaces it.
    await agreed({
      action: 'mandate_create',
      approver: 'none',
      asked_by: 'people',
      role: 'manager',
    });
    expect(await asksFor('mona', 'mandate_create', input)).toMatchObject({ approvals: [] });
    const { text } = await shown();
    expect(unless(text)).toBe(narrowed);
    expect(narrowed).toBeGreaterThan(1);
    expect(done(await world.as(await dana(), 'policy_show', {}))).toMatchObject({ problem: null });
    await agreed({ action: 'mandate_create', approver: 'as_before', asked_by: 'people', role: 'manager' });
    expect(await asksFor('mona', 'mandate_create', input)).toMatchObject({
      approvals: [{ policy: 'another-persons-agent-needs-the-manager' }],
    });
  });

  test('that would keep IT admins from changing the policies is refused', async () => {
    const before = await shown();
    for (const [input, words] of [
      [{ action: 'policy_set', approver: 'manager' }, 'requires an approval for policy_set'],
      [
        { action: 'policy_set', approver: 'role:it_admin', quorum: 9 },
        'Nobody could change the policies any more',
      ],
      [{ action: 'approval_decide', approver: 'role:it_admin' }, 'approval_decide'],
    ] as const)
      await expect(set(input)).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining(words) as string,
      });
    expect(await shown()).toEqual(before);
  });

  test('counts the IT admins who are there: what none of them could get approved is refused, by one requirement and by a text', async () => {
    const before = await shown();
    // There are two: each may ask, and then only the other one can vote.
    await expect(
      set({ action: 'policy_set', approver: 'role:it_admin', quorum: 2, asked_by: 'people' }),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('Nobody could change the policies any more') as string,
    });
    const text = `@id("a") @allows("all") permit (principal, action, resource);
      @id("b") @adds("requirement") @approval("role:it_admin") @quorum("2") @reason("Three of us.")
      permit (principal, action == Action::"policy_set", resource);`;
    await expect(world.as(await dana(), 'policy_set', { text, note: 'three of two' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('Nobody could change the policies any more') as string,
    });
    // One vote beside the asker's own is what they can give.
    expect(await set({ action: 'policy_set', approver: 'role:it_admin', asked_by: 'people' })).toMatchObject({
      status: 'waiting',
    });
    expect(await shown()).toEqual(before);
  });

  test('never takes back what people wrote themselves: a permit keeps its exception, and a policy of the same id stays', async () => {
    const own = `@id("people-use-okta") @allows("people")
permit (principal is Person, action in Action::"okta", resource is Person)
unless { action == Action::"okta_suspend_user" };
@id("requirement:okta_reset_mfa")
forbid (principal, action == Action::"okta_reset_mfa", resource)
when { context.through_agent };`;
    await world.agreed(await world.as(await dana(), 'policy_set', { text: own, note: 'ours' }));
    for (const approver of ['role:it_admin', 'none', 'as_before']) {
      const refusal = await set({ action: 'okta_suspend_user', approver }).then(
        async (outcome) => void (await world.agreed(outcome)),
        (error: unknown) => String(error),
      );
      expect(refusal ?? 'Nothing would change').toContain('Nothing would change');
      expect(String((await shown())['text'])).toContain(own);
    }
    await expect(set({ action: 'okta_reset_mfa', approver: 'none' })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('was not written by policy_requirement_set') as string,
    });
    await world.agreed(await world.as(await dana(), 'policy_set', { version: 0, note: 'back' }));
  });

  test('names in its preview all that it replaces, also what was set for a part of its cases since', async () => {
    const action = 'okta_suspend_user';
    await agreed({ action, approver: 'role:it_admin', why: 'Everybody asks one.' });
    await agreed({ action, approver: 'role:executive', asked_by: 'agents', why: 'Agents ask an executive.' });
    const asked = await set({ action, approver: 'manager', why: 'Everybody asks a manager.' });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    const [row] = await world.sql<{ from: string }[]>`
      select impact -> 'changes' -> 0 ->> 'from' as from from approvals where id = ${asked.approvalId}`;
    expect(row?.from).toContain('Everybody asks one.');
    expect(row?.from).toContain('Agents ask an executive.');
    await world.agreed(await world.as(await dana(), 'policy_set', { version: 0, note: 'back' }));
  });

  test('of an action that is not there, that only looks or only tightens, or with an approver that is none, is refused', async () => {
    for (const [input, code, words] of [
      [{ action: 'no_such_tool', approver: 'manager' }, 'not_found', 'no action "no_such_tool"'],
      [{ action: 'policy_show', approver: 'manager' }, 'invalid_input', 'only looks'],
      [{ action: 'freeze_apply', approver: 'manager' }, 'invalid_input', 'never held up'],
      [{ action: 'okta_suspend_user', approver: 'somebody' }, 'invalid_input', 'approver'],
      [{ action: 'okta_suspend_user', approver: 'principal' }, 'invalid_input', 'approver'],
    ] as const)
      await expect(set(input)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(words) as string,
      });
    expect(
      await world.as(await world.actor('carl'), 'policy_requirement_set', {
        action: 'okta_suspend_user',
        approver: 'none',
        note: 'a test',
      }),
    ).toMatchObject({ status: 'denied' });
  });

  test('keeps every comment of a text, and quotes in a reason', async () => {
    const text =
      `// Ours.\n@id("a") /* no comment */ @allows("all")\npermit (principal, action, resource); // behind it`.replace(
        '/* no comment */ ',
        '',
      );
    await world.agreed(await world.as(await dana(), 'policy_set', { text, note: 'ours' }));
    await agreed({
      action: 'okta_suspend_user',
      approver: 'role:it_admin',
      why: 'So says "the board" \\ ours',
    });
    const now = await shown();
    expect(now['text']).toContain(text);
    expect(now['policies']).toContainEqual(
      expect.objectContaining({ id: 'requirement:okta_suspend_user', reason: 'So says "the board" \\ ours' }),
    );
    await world.agreed(await world.as(await dana(), 'policy_set', { version: 0, note: 'back' }));
  });
});

test('in Slack it is a form, then a card with what is asked now and what would be, then an approval', async () => {
  const person = world.slack.as('dana');
  const typed = await person.types('/policy require okta_suspend_user role:it_admin');
  const form =
    typed.view ?? (await eventually(async () => (await person.modal()) ?? false, 'the form, a moment later'));
  const sent = await person.fills(form, { Note: 'Two of us look' }).submits();
  expect(sent.errors ?? {}).toEqual({});
  const card = await person.waitsFor((one) => JSON.stringify(one.blocks).includes('Send request'), 90_000);
  const words = JSON.stringify(card.blocks);
  expect(words).toContain('→ 1 approval by an IT admin');
  await person.clicks(card, 'Send request');
  const [row] = await eventually(async () => {
    const rows = await world.sql<
      { id: string }[]
    >`select a.id from approvals a join calls c on c.id = a.call_id where c.tool = 'policy_requirement_set' and a.state = 'pending' and c.input->>'note' = 'Two of us look'`;
    return rows.length > 0 && rows;
  }, 'it waits for another IT admin');
  expect(await world.vote('ivan', row!.id)).toMatchObject({ status: 'done' });
  await eventually(async () => {
    const approvals = (await asksFor('dana', 'okta_suspend_user', { person: await personOf('nina') }))[
      'approvals'
    ];
    return (approvals as unknown[]).length === 1;
  }, 'it is in force');
  await agreed({ action: 'okta_suspend_user', approver: 'as_before' });
});

describe('over REST and from the command line', () => {
  let key: string;
  const post = (method: string, path: string, body: unknown, type = 'application/json') =>
    fetch(`${world.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const code = await main(['policy', ...args, '--url', world.url, '--key-env', 'POLICY_KEY'], {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      env: { POLICY_KEY: key },
    });
    return { code, out, err };
  }

  beforeAll(async () => {
    const made = await fetch(`${world.url}/v1/tenants/${world.tenantId}/api-keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.company.api_keys.admin}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name: 'policies', scopes: ['policy_show', 'policy_try'] }),
    });
    const { id, api_key } = (await made.json()) as { id: string; api_key: string };
    key = api_key;
    await world.grant(id, ['policy_show', 'policy_try', 'policy_set', 'policy_requirement_set']);
  });

  test('a preview says what would change and who must approve; nothing is asked', async () => {
    const calls = await world.sql`select 1 from calls`;
    const input = { action: 'okta_suspend_user', approver: 'role:it_admin', note: 'a test' };
    const answer = await post('POST', '/v1/tools/policy_requirement_set/preview', input);
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      {
        allowed: true,
        approvals: [{ policy: 'governance-by-key-takes-two-humans', quorum: 2 }],
        changes: [{ what: 'approval of "Suspend a person"' }, { what: 'policies' }, { what: 'note' }],
        reversible: true,
      },
    ]);
    expect(await world.sql`select 1 from calls`).toHaveLength(calls.length);
    const set = await post('PUT', '/v1/policies/requirements', input);
    expect(set.status).toBe(202);
  });

  test('a change for people does not claim to replace what only agents are asked, and one for agents does', async () => {
    const before = async (asked_by: string) => {
      const input = { action: 'okta_suspend_user', approver: 'role:it_admin', asked_by, note: 'a test' };
      const answer = await post('POST', '/v1/tools/policy_requirement_set/preview', input);
      return ((await answer.json()) as { changes: { from: string }[] }).changes[0]?.from;
    };
    const agentsAreAsked = expect.stringContaining('Agents can change Okta only') as string;
    for (const asker of ['people', 'api_keys']) expect(await before(asker)).not.toEqual(agentsAreAsked);
    for (const asker of ['agents', 'everybody']) expect(await before(asker)).toEqual(agentsAreAsked);
  });

  test('a preview of what is refused shows no more than the refusal', async () => {
    const looking = await post('POST', '/v1/tools/agent_register/preview', {
      name: 'x-bot',
      owner: await personOf('bob'),
      scopes: ['okta.mfa.reset'],
    });
    expect(await looking.json()).toMatchObject({ allowed: false, changes: null, effect: null });
  });

  test('a preview tells a caller without the tool nothing of who and what there is', async () => {
    const bot = await world.agent('preview-bot', 'bob');
    const mandate = await world.mandate('bob', bot, { scopes: ['okta.mfa.reset', 'okta.users.read'] });
    const token = await world.token(bot, 'bob', mandate, {
      audience: `${world.url}/v1`,
      scope: 'okta.users.read',
    });
    const preview = async (credential: string, tool: string, input: unknown) => {
      const answer = await fetch(`${world.url}/v1/tools/${tool}/preview`, {
        method: 'POST',
        headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
        body: JSON.stringify(input),
      });
      return { status: answer.status, body: await answer.json() };
    };
    for (const [credential, tool, field, there, nowhere, code] of [
      [key, 'okta_reset_mfa', 'person', 'ann@acme.example', 'nobody@acme.example', 'no_policy_allows'],
      [key, 'mandate_list', 'agent', 'preview-bot', 'no-such-bot', 'no_policy_allows'],
      [key, 'mandate_show', 'mandate_id', mandate, `mdt_${'0'.repeat(26)}`, 'no_policy_allows'],
      [token, 'okta_reset_mfa', 'person', 'ann@acme.example', 'nobody@acme.example', 'scope_not_delegated'],
    ] as const) {
      const known = await preview(credential, tool, { [field]: there });
      expect(known).toMatchObject({ status: 200, body: { allowed: false, code, approvals: [] } });
      expect(await preview(credential, tool, { [field]: nowhere })).toEqual(known);
    }
  });

  test('a preview of what too few can approve names none of them', async () => {
    const ivan = await personOf('ivan');
    await world.sql`update people set held = true where id = ${ivan}`;
    const input = { action: 'okta_suspend_user', approver: 'role:it_admin', note: 'a test' };
    const answer = await post('POST', '/v1/tools/policy_requirement_set/preview', input);
    await world.sql`update people set held = false where id = ${ivan}`;
    expect(await answer.json()).toMatchObject({ allowed: false, code: 'no_approver', approvals: [] });
  });

  test('a text is the body itself, and what is wrong has a line and a column', async () => {
    const good = '@id("all") @allows("all")\npermit (principal, action, resource);\n';
    const tried = await post('POST', '/v1/policies/try?days=1', good, 'text/plain');
    expect([tried.status, await tried.json()]).toMatchObject([
      200,
      { result: { calls: expect.any(Number) as number } },
    ]);
    const twice = await post('POST', '/v1/policies/try?days=1&days=30', good, 'text/plain');
    expect([twice.status, await twice.json()]).toMatchObject([
      400,
      { detail: expect.stringContaining('sent twice') as string },
    ]);
    for (const [text, line, column] of [
      [`${good}\n@id("b")\npermit (principal, action = , resource);`, 5, 29],
      [`${good}\n// é\n@id("b") permit (principal, action, resource)\nwhen { principal.salary > 3 };`, 6, 8],
      [`${good}\n  permit (principal, action, resource);`, 4, 3],
      [`${good}\n@id("b") @quorum("0") @approval("manager") permit (principal, action, resource);`, 4, 1],
      [`${good}\n${good}`, 1, 1],
    ] as const) {
      // A note of digits is a text: what is wrong is not the note.
      const answer = await post('PUT', '/v1/policies?note=2024', text, 'text/plain');
      expect(answer.status).toBe(400);
      const body = (await answer.json()) as { detail: string; problems: Record<string, unknown>[] };
      expect(body.problems).toMatchObject([{ field: 'text', line, column }]);
      expect(body.detail).toContain(`(line ${line}, column ${column})`);
    }
  });

  test('prokura policy show, check, set and require do what is asked with --yes, and nothing without', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prokura-policy-'));
    const shipped = await command('show', '--version', '0');
    expect(shipped).toMatchObject({ code: 0, out: expect.stringContaining('@id("people-vote")') });
    const file = join(folder, 'acme.cedar');
    writeFileSync(
      file,
      `${shipped.out}\n@id("late") @reason("No.")\nforbid (principal, action == Action::"no_tool", resource);`,
    );
    const wrong = await command('check', '--file', file);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toMatch(new RegExp(`^${RegExp.escape(file)}:\\d+:\\d+: `));
    writeFileSync(
      file,
      `${shipped.out}\n@id("one-more") @adds("requirement") @approval("role:it_admin")\npermit (principal, action == Action::"okta_suspend_user", resource is Person);`,
    );
    expect(await command('check', '--file', file)).toMatchObject({
      code: 0,
      out: expect.stringContaining('can be used') as string,
    });
    const rows = () => world.sql`select 1 from calls where tool = 'policy_set' and state = 'waiting'`;
    const seen = await command('set', '--file', file, '--note', 'one more');
    expect(seen).toMatchObject({ code: 0, err: expect.stringContaining('Nothing was asked') as string });
    expect(seen.out).toContain('added: one-more');
    expect(await rows()).toHaveLength(0);
    const asked = await command('set', '--file', file, '--note', 'one more', '--yes');
    expect(asked).toMatchObject({
      code: 0,
      out: expect.stringContaining('can approve it in Slack') as string,
    });
    expect(await rows()).toHaveLength(1);
    const required = await command(
      'require',
      'okta_reset_mfa',
      '--by',
      'agents',
      '--approver',
      'role:it_admin',
      '--note',
      'IT approves',
    );
    expect(required.out).toContain('when an agent asks');
    expect(required.out).toContain("1 approval by the requester's manager");
    const refused = await command(
      'require',
      'policy_set',
      '--approver',
      'manager',
      '--note',
      'a test',
      '--yes',
    );
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('policy_set') as string });
    for (const said of [wrong, seen, asked, required, refused])
      expect(said.out + said.err).not.toContain(key);
  });

  test('wrong arguments are exit code 2', async () => {
    expect((await command('set')).code).toBe(2);
    expect((await command('require', '--approver', 'manager')).code).toBe(2);
    expect((await command('check', '--file', '/nowhere.cedar')).code).toBe(2);
    for (const quorum of ['two', '', '1e1', '-2', '2.5', '100']) {
      const rule = ['--approver', 'role:it_admin', `--quorum=${quorum}`, '--note', 'a test'];
      expect(await command('require', 'okta_suspend_user', ...rule)).toMatchObject({
        code: 2,
        err: expect.stringContaining('--quorum takes a number') as string,
      });
    }
    for (const wait of ['', 'soon', '0x10', '-1'])
      expect(
        await main(['agent', 'call', 'approval_list', `--wait=${wait}`], {
          out: () => {},
          err: (text) => expect(text).toContain('--wait takes a number of seconds'),
          env: {},
        }),
      ).toBe(2);
    const none = await main(['policy', 'show', '--url', world.url, '--key-env', 'NOT_SET'], {
      out: () => {},
      err: () => {},
      env: {},
    });
    expect(none).toBe(2);
  });
});
