import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approvalNumber } from '#domain/approval/number.ts';
import { samplePerson } from '#sandbox/company.ts';
import { checkMessageBlocks, checkView, type SimMessage } from '#sandbox/slack/index.ts';
import { buttonsOf, read, toldBy } from '../support/slack-reading.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

/** What lists and policies look like in Slack, and what their buttons do. */

let world: World;
let bot: TestAgent;
let mandate: string;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('deploy-bot', 'bob');
  mandate = await world.mandate('bob', bot, {
    scopes: ['okta.mfa.reset'],
    max_uses: 10,
    purpose: 'help the team',
  });
});
afterAll(() => world.close());

const answer = (who: string, command: string) =>
  toldBy(world.slack.as(who), () => world.slack.as(who).types(command));
const click = (who: string, message: SimMessage, button: string) =>
  toldBy(world.slack.as(who), () => world.slack.as(who).clicks(message, button));
const stateOf = async (id: string) =>
  (await world.sql<{ state: string }[]>`select state from mandates where id = ${id}`)[0]?.state;

describe('a list of mandates', () => {
  test('is one sentence for each with its state, and nothing of how it is stored', async () => {
    const said = read(await answer('bob', '/mandate list'));
    expect(said).toContain('Mandates · 1–1 of 1');
    expect(said).toMatch(
      /Active · deploy-bot may use okta\.mfa\.reset on your direct reports until 20\d\d-.* UTC\. You gave it for “help the team”; used 0 of 10 times\./,
    );
    expect(said).not.toMatch(/offline|delegate|mdt_|usr_|false|null/);
    expect(read(await answer('dana', '/mandate list'))).toContain('on the direct reports of Bob Meyer');
  });

  test('offers what its reader may do with each, and everything is decided and shown anew', async () => {
    const list = await answer('bob', '/mandate list');
    expect(buttonsOf(list)).toEqual(['Show', 'Extend…', 'Revoke…']);
    // Only the person who gave it can extend it.
    expect(buttonsOf(await answer('dana', '/mandate list'))).toEqual(['Show', 'Revoke…']);
    const card = await click('bob', list, 'Revoke…');
    expect(buttonsOf(card)).toContain('Send request');
    expect(await stateOf(mandate)).toBe('active');
    const shown = await click('bob', list, 'Show');
    expect(read(shown)).toContain('Given by: you');
    expect(read(shown)).toContain(mandate);
    expect(read(shown)).not.toMatch(/false|null|usr_/);
    const { view } = await world.slack.as('bob').clicks(list, 'Extend…');
    const form = view ?? (await eventually(() => world.slack.as('bob').modal(), 'the form opens'));
    expect(JSON.stringify(form.blocks)).toContain(mandate);
  });

  test('that is empty says what it would show and how to get a first one', async () => {
    expect(read(await answer('nina', '/mandate list'))).toMatch(
      /No mandates\. A mandate lets an agent act .* \/mandate create/,
    );
  });
});

describe('a long list', () => {
  beforeAll(async () => {
    for (let number = 1; number <= 11; number += 1) await world.agent(`page-bot-${number}`, 'carl');
  });

  test('comes in pages that say where one is, and goes on and back in the same message', async () => {
    const bob = world.slack.as('bob');
    const first = await answer('bob', '/agent list');
    expect(read(first)).toContain('Agents · 1–10 of 12');
    expect(buttonsOf(first)).toContain('Next');
    expect(buttonsOf(first)).not.toContain('Back');
    await bob.clicks(first, 'Next');
    const second = await bob.waitsFor(
      (one) => one.ts === first.ts && read(one).includes('11–12 of 12'),
      90_000,
    );
    expect(read(second)).toContain('page-bot-11');
    expect(buttonsOf(second)).not.toContain('Next');
    await bob.clicks(second, 'Back');
    await bob.waitsFor((one) => one.ts === first.ts && read(one).includes('1–10 of 12'), 90_000);
  });

  test('shows a button only to people who can use it', async () => {
    const disable = async (who: string) =>
      buttonsOf(await answer(who, '/agent list')).filter((label) => label === 'Disable…').length;
    expect(await disable('nina')).toBe(0);
    expect(await disable('bob')).toBe(1);
    expect(await disable('dana')).toBe(10);
  });

  test('is its own reader’s: somebody else’s click on it opens nothing', async () => {
    const list = await answer('dana', '/agent list');
    const anchor = await answer('nina', '/scope list');
    const told = await toldBy(world.slack.as('nina'), () =>
      world.slack.as('nina').clicks(anchor, 'Disable…', { staleCopy: { ...anchor, blocks: list.blocks } }),
    );
    expect(told.text).toContain('used already');
  });

  test('tells people of the same name apart', async () => {
    const carl = (await world.person('carl')).id;
    await world.sql`update people set display_name = 'ANN LEE' where id = ${carl}`;
    try {
      const list = await answer('bob', '/agent list');
      expect(read(list)).toContain(`owned by ANN LEE (${samplePerson('carl').email})`);
    } finally {
      await world.sql`update people set display_name = 'Carl Jensen' where id = ${carl}`;
    }
  });
});

describe('/policy show', () => {
  test('says each policy in a sentence with what it demands, by pages', async () => {
    const dana = world.slack.as('dana');
    const first = await answer('dana', '/policy show');
    expect(read(first)).toMatch(/Policies · 1–10 of \d\d/);
    expect(read(first)).not.toMatch(/stays (?:true|false)|\beffect\b|\bpermit\b|\bnull\b|\bfalse\b/);
    expect(read(first)).toMatch(/Allows · People look up colleagues\. Allows every(?:body|one): /);
    const seen: string[] = [read(first)];
    for (let at: SimMessage = first; buttonsOf(at).includes('Next');) {
      const before = read(at);
      await dana.clicks(at, 'Next');
      at = await dana.waitsFor((one) => one.ts === first.ts && read(one) !== before, 90_000);
      seen.push(read(at));
    }
    expect(seen.join('')).toMatch(
      /Asks first, always in force · Privileged people need two admins\. Before “.*” and “.*” for a person, asks for 2 approvals by .*, with step-up\./,
    );
    expect(seen.join('')).toMatch(/Forbids, always in force · Agents do not govern\. Forbids /);
  });

  test('shows the Cedar text of one policy whole, and that of all behind a button', async () => {
    const dana = world.slack.as('dana');
    const first = await answer('dana', '/policy show');
    const shown = await click('dana', first, 'Show');
    expect(read(shown)).toMatch(/@allows\("every(?:body|one)"\)/);
    expect(read(shown)).toMatch(/resource is Tenant\)[^;]*;/);
    const { view } = await dana.clicks(first, 'Cedar text');
    const modal = view ?? (await eventually(() => dana.modal(), 'the text opens'));
    expect(
      checkView({ type: 'modal', title: { type: 'plain_text', text: 'x' }, blocks: modal.blocks }, 'modal'),
    ).toEqual([]);
    const whole = world.app.policies.text.split('\n').filter((line) => line.trim() !== '');
    const read_ = read(modal)
      .split('\n')
      .filter((line) => line.trim() !== '');
    expect(read_.map((line) => line.trim())).toEqual(whole.map((line) => line.trim()));
  });

  test('is refused to people who may not see the rules', async () => {
    expect((await answer('nina', '/policy show')).text).toMatch(/^Not allowed/);
  });
});

describe('every other list', () => {
  test.each([
    ['/approval list', 'Nothing waits for your decision'],
    ['/group list', 'IT Admins (okta, '],
    ['/scope list', 'okta.mfa.reset'],
    ['/mandate templates', 'Built in · '],
    ['/client list', 'No clients.'],
    ['/breaker list', 'Nothing is on hold.'],
    ['/breakglass list', 'Nobody has used break-glass.'],
    ['/resource server list', 'No resource servers.'],
    ['/spiffe bundle list', 'No SPIFFE trust domains.'],
    ['/okta find ann', 'Ann Lee (ann@acme.example)'],
    ['/policy who-can agent_list', 'People who could'],
    ['/freeze preview deploy-bot', 'Would stop: '],
    ['/policy try 0', 'Decided otherwise: '],
  ])('%s reads as sentences', async (command, said) => {
    const message = await answer('dana', command);
    expect(read(message)).toContain(said);
    expect(read(message)).not.toMatch(/\bnull\b|\bfalse\b|\bundefined\b|usr_|\[object/);
    expect(checkMessageBlocks(message.blocks)).toEqual([]);
  });
});

describe('names in place of ids', () => {
  test('a mandate is named by its agent where there is one', async () => {
    const card = await answer('bob', '/mandate revoke deploy-bot "done with it"');
    expect(buttonsOf(card)).toContain('Send request');
    expect(read(card)).toContain(mandate);
    expect(read(card)).toContain('done with it');
  });

  test('where there are several, it is asked which, and the one that is chosen is shown first', async () => {
    const second = await world.mandate('bob', bot, {
      scopes: ['okta.password.reset'],
      purpose: 'the second',
    });
    const asked = await answer('bob', '/mandate revoke deploy-bot "too many"');
    expect(read(asked)).toContain('"deploy-bot" fits 2 of them. Which one do you mean?');
    expect(buttonsOf(asked)).toEqual(['This one', 'This one']);
    const card = await click('bob', asked, 'prokura.item:0:mandate_revoke');
    expect(read(card)).toContain(second);
    expect(read(card)).toContain('too many');
    expect(await stateOf(second)).toBe('active');
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: second });
  });

  test.each([
    ['a name that is nobody’s', 'bob', '/mandate revoke no-such-bot'],
    ['an agent whose mandates are not theirs to see', 'nina', '/mandate revoke deploy-bot'],
  ])('%s is said at once, with nothing to send', async (_, who, command) => {
    const told = await answer(who, command);
    expect(told.text).toMatch(
      /^There is no mandate for "[a-z-]+" that you can see\. Nothing has been done\./,
    );
    expect(buttonsOf(told)).toEqual([world.app.catalogue.get('mandate_list')?.tool.title]);
  });

  test('an id that is nothing’s, and a mandate that has ended, are said at once too', async () => {
    const told = await answer('bob', '/mandate revoke mdt_00000000000000000000000000');
    expect(told.text).toMatch(/^Not found/);
    expect(buttonsOf(told)).toEqual([]);
    const ended = await world.mandate('bob', await world.agent('brief-bot', 'bob'));
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: ended });
    expect((await answer('bob', `/mandate revoke ${ended}`)).text).toMatch(
      /has (?:ended already|already ended)/,
    );
  });

  test('a request is named by its number or by whom it is about, and only one’s own can be', async () => {
    const asked = await world.as(await world.actor('bob'), 'mandate_create', {
      agent: (await world.agent('carls-bot', 'carl')).id,
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      purpose: 'a request to name',
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    const list = await answer('bob', '/approval list');
    const number = /Request (\d{4})\./.exec(read(list))?.[1];
    for (const named of [number, 'carls-bot']) {
      const card = await answer('bob', `/approval cancel ${named}`);
      expect(buttonsOf(card)).toContain('Send request');
      expect(read(card)).toContain(asked.approvalId);
    }
    expect((await answer('nina', `/approval cancel ${number}`)).text).toMatch(/^There is no request for/);
  });

  test('a group is named by its name, by people who see what groups give', async () => {
    const uid = '00gfinance00000000h7';
    const card = await answer('dana', '/group map Finance manager okta.users.read');
    expect(read(card)).toContain(uid);
    expect(buttonsOf(card)).toContain('Send request');
    expect(read(await answer('nina', '/group map Finance manager okta.users.read'))).not.toContain(uid);
  });

  test('an id of a group is that group, whatever another group is called; a source that is named is kept', async () => {
    const uid = '00gfinance00000000h7';
    const [named] = await world.sql<{ id: string }[]>`
      insert into groups (tenant_id, id, source, uid, name, kind)
      values (${world.tenantId}, 'grp_0000000000000000000000000a', 'scim:other', 'stranger', ${uid}, 'directory') returning id`;
    await world.sql`
      insert into groups (tenant_id, id, source, uid, name, kind)
      values (${world.tenantId}, 'grp_0000000000000000000000000b', 'scim:other', 'stranger2', 'Finance', 'directory')`;
    expect(named).toBeDefined();
    try {
      const card = read(await answer('dana', `/group map ${uid} manager okta.users.read`));
      expect(card).toContain(uid);
      expect(card).not.toContain('stranger');
      const typed = read(await answer('dana', '/group map Finance manager okta.users.read source=okta'));
      expect(typed).toContain(uid);
      expect(typed).not.toContain('stranger');
      expect(read(await answer('dana', '/group map Finance manager okta.users.read'))).toContain(
        'fits 2 of them',
      );
    } finally {
      await world.sql`delete from groups where source = 'scim:other'`;
    }
  });

  test('a name is looked up only where its list would be shown at once, not where that needs an approval', async () => {
    const set = async (input: Record<string, unknown>) =>
      world.agreed(await world.as(await world.actor('dana'), 'policy_set', { ...input, note: 'a test' }));
    await set({
      text: `${world.app.policies.text}
        @id("lists-by-two") @adds("requirement") @approval("role:it_admin") @reason("Two of us look.")
        permit (
          principal is Person,
          action in [Action::"mandate_list", Action::"group_mapping_list"],
          resource is Tenant
        );`,
    });
    try {
      expect(read(await answer('dana', '/mandate revoke deploy-bot'))).not.toMatch(/mdt_|direct reports/);
      expect(read(await answer('dana', '/group map Finance manager okta.users.read'))).not.toContain(
        '00gfinance',
      );
    } finally {
      await set({ version: 0 });
    }
  });

  test('a request to adopt is named by its number among one’s own that were denied with terms', async () => {
    const ask = async (suggestion: Record<string, unknown> | undefined) => {
      const asked = await world.as(await world.actor('bob'), 'mandate_create', {
        agent: (await world.agent(suggestion === undefined ? 'plain-bot' : 'adopt-bot', 'carl')).id,
        scopes: ['okta.mfa.reset', 'okta.password.reset'],
        resources: ['team'],
        purpose: 'to be denied',
      });
      if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
      await world.as(await world.actor('mona'), 'approval_decide', {
        approval_id: asked.approvalId,
        decision: 'deny',
        note: 'too much',
        version: 1,
        ...(suggestion && { suggestion }),
      });
      return asked.approvalId;
    };
    const approval = await ask({ words: 'Factors only.', terms: { scopes: ['okta.mfa.reset'] } });
    const plain = await ask(undefined);
    for (const named of [approvalNumber(approval), 'adopt-bot']) {
      const card = await answer('bob', `/approval adopt ${named}`);
      expect(read(card)).toContain(approval);
      expect(buttonsOf(card)).toContain('Send request');
    }
    for (const [who, named] of [
      ['bob', approvalNumber(plain)],
      ['nina', approvalNumber(approval)],
      ['mona', approvalNumber(approval)],
    ] as const)
      expect((await answer(who, `/approval adopt ${named}`)).text).toMatch(/^There is no request for/);
  });
});

describe('/policy who-can, in a company of more people than one answer checks', () => {
  const PEOPLE = 2001;
  beforeAll(async () => {
    await world.sql`
      insert into people (tenant_id, id, provider, uid, login, email, display_name, status)
      select ${world.tenantId}, 'usr_00' || lpad(n::text, 24, '0'), 'okta', 'many' || n, 'many' || n, 'many' || n, 'Many ' || n, 'ACTIVE'
        from generate_series(1, ${PEOPLE}::int) n`;
  });
  afterAll(async () => {
    await world.sql`delete from people where display_name like 'Many %'`;
  });

  test('says that more people were not checked, and neither that nobody could nor how many there are', async () => {
    // Only IT admins could: nobody else has to be checked.
    const few = await answer('dana', '/policy who-can policy_show');
    expect(read(few)).toContain('Dana');
    expect(read(few)).not.toContain('Not checked');
    const many = await answer('dana', '/policy who-can agent_list');
    expect(read(many)).toMatch(/People who could · 1–10\n/);
    expect(read(many)).toContain('Not checked: ');
  });
});

test('every message fits Slack', () => {
  expect(world.slack.calls.filter(({ error }) => error !== null && error !== 'cannot_dm_bot')).toEqual([]);
  for (const message of world.slack.messages()) expect(checkMessageBlocks(message.blocks)).toEqual([]);
});
