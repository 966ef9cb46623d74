import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { newId } from '#lib/id.ts';
import type { Actor } from '#domain/actor.ts';
import { call } from '#engine/call.ts';
import { samplePerson } from '#sandbox/company.ts';
import type { SimMessage } from '#sandbox/slack/index.ts';
import { Browser } from '../support/browser.ts';
import { words } from '../support/slack-approvals.ts';
import { approvalPages } from '../support/step-up.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
let pages: ReturnType<typeof approvalPages>;
let late = 0;
let approval: string;
let callId: string;

beforeAll(async () => {
  world = await openWorld({ now: () => new Date(Date.now() + late) });
  pages = approvalPages(world);
});
afterAll(() => world.close());
// Mona asks to reset the password of Bob, her report and a manager himself: two IT admins must agree, with
// step-up.
beforeEach(async () => {
  const outcome = await world.as(
    await world.actor('mona'),
    'okta_reset_password',
    { person: 'bob@acme.example' },
    { reason: 'Bob is <b>locked out' },
  );
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  ({ approvalId: approval, callId } = outcome);
});
afterEach(async () => {
  late = 0;
  world.okta.idTokenClaims({});
  const row = await stateOf();
  if (row?.state === 'pending')
    await world.as(await world.actor('mona'), 'approval_cancel', { approval_id: approval });
});

const stateOf = async (id = approval) =>
  (
    await world.sql<
      { state: string; version: number }[]
    >`select state, version from approvals where id = ${id}`
  )[0];
const votesFor = (id = approval) =>
  world.sql<{ voter_id: string; vote: string; identity: Record<string, string> }[]>`
    select voter_id, vote, identity from votes where approval_id = ${id} order by created_at`;
const stepUps = async () =>
  (await world.sql`select id from oidc_models where kind = 'StepUp' and payload->>'approvalId' = ${approval}`)
    .length;
/** The buttons of a message, with where they lead. */
const buttonsOf = (message: SimMessage) =>
  message.blocks.flatMap((block) =>
    block['type'] === 'actions'
      ? (block['elements'] as { text: { text: string }; url?: string }[]).map(({ text, url }) => [
          text.text,
          url,
        ])
      : [],
  );
const atOkta = (key: string) => {
  const user = world.okta.org.users.get(samplePerson(key).oktaId);
  if (user === undefined) throw new Error(`no ${key} at Okta`);
  return user;
};

describe('deciding in the browser', () => {
  test('two IT admins, each with a fresh sign-in with two factors, and the password of a manager is reset', async () => {
    const dana = await pages.opens('dana', approval);
    expect(dana.page.status).toBe(200);
    expect(dana.page.text).toContain('Reset password for Bob Meyer');
    expect(dana.page.text).toContain('0 of 2 approvals');
    expect((await pages.presses(dana, 'approve')).text).toContain('Others must still approve');

    const ivan = await pages.opens('ivan', approval, { factor: 'token:software:totp' });
    expect(ivan.page.text).toContain('Approved by Dana Ruiz');
    expect((await pages.presses(ivan, 'approve')).text).toContain('the last approval needed');
    await eventually(async () => atOkta('bob').status === 'RECOVERY', 'Okta resets the password');
    atOkta('bob').status = 'ACTIVE';

    const votes = await votesFor();
    expect(votes.map(({ identity }) => identity)).toEqual([
      {
        surface: 'browser',
        matched_by: 'okta_sign_in',
        acr: 'urn:okta:loa:2fa:any',
        amr: 'mfa swk pwd',
        auth_time: expect.stringMatching(/^20.*Z$/),
        step_up: expect.stringMatching(/^stp_/),
      },
      expect.objectContaining({ amr: 'mfa otp pwd' }),
    ]);
    const ledger = await world.ledger('APPROVAL_VOTED');
    expect(ledger.at(-1)?.data).toMatchObject({ approval_id: approval, identity: votes[1]?.identity });
    expect(await stepUps()).toBe(0);
  });

  test('in Slack the card has Approve in browser, with a link to our own host, in place of Approve', async () => {
    const card = await world.slack
      .as('dana')
      .waitsFor((one) => one.ephemeralFor === null && words(one).includes(approval));
    expect(buttonsOf(card)).toEqual([
      ['Approve in browser', pages.pageOf(approval)],
      ['Deny…', undefined],
      ['Details', undefined],
    ]);
  });

  test('after a vote the voter’s card and page have no button for it, and every card says who voted and who is left', async () => {
    await pages.presses(await pages.opens('dana', approval), 'approve');
    const saying = (who: string, said: string) =>
      world.slack
        .as(who)
        .waitsFor(
          (one) => one.ephemeralFor === null && words(one).includes(approval) && words(one).includes(said),
          90_000,
        );
    const own = await saying('dana', 'You approved; Ivan Novak is left to approve.');
    expect(buttonsOf(own)).toEqual([['Details', undefined]]);
    const other = await saying('ivan', 'Dana Ruiz approved; your approval is needed.');
    expect(buttonsOf(other).map(([label]) => label)).toEqual(['Approve in browser', 'Deny…', 'Details']);
    await saying('mona', 'Dana Ruiz approved; Ivan Novak is left to approve.');
    const { page } = await pages.opens('dana', approval);
    expect(page.text).toContain('You approved; Ivan Novak is left to approve.');
    expect(page.text).not.toContain('<form');
  });

  test('an approval over any other interface is refused with the link, and nothing changes', async () => {
    await expect(world.vote('dana', approval)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining(pages.pageOf(approval)),
      detail: { reason: 'step_up_required' },
    });
    expect(await stateOf()).toEqual({ state: 'pending', version: 1 });
    expect(await votesFor()).toEqual([]);
    expect((await world.ledger('CALL_DENIED')).at(-1)?.data).toMatchObject({ tool: 'approval_decide' });
  });

  test('a denial needs a reason, and ends it; from Slack it counts without step-up, since it only tightens', async () => {
    const dana = await pages.opens('dana', approval);
    expect(await pages.presses(dana, 'deny')).toMatchObject({ status: 400 });
    expect(await pages.presses(dana, 'deny', { note: 'Ask him to call the help desk' })).toMatchObject({
      status: 200,
    });
    expect(await stateOf()).toMatchObject({ state: 'rejected' });

    const again = await world.as(await world.actor('mona'), 'okta_reset_password', {
      person: 'bob@acme.example',
    });
    if (again.status !== 'waiting') throw new Error(JSON.stringify(again));
    await world.vote('ivan', again.approvalId, 'deny', 'not today');
    expect(await stateOf(again.approvalId)).toMatchObject({ state: 'rejected' });
  });

  test('the page shows words of others as text, runs no script, is framed by nobody, and its address holds no secret', async () => {
    const { page } = await pages.opens('dana', approval);
    expect(page.text).toContain('Bob is &lt;b&gt;locked out');
    expect(page.text).not.toContain('<script');
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    const style = createHash('sha256').update(/<style>([^<]*)<\/style>/.exec(page.text)?.[1] ?? '');
    expect(page.headers.get('content-security-policy')).toContain(
      `style-src 'sha256-${style.digest('base64')}'`,
    );
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.url.href).toBe(pages.pageOf(approval));
    const begun = await fetch(pages.pageOf(approval), { redirect: 'manual' });
    expect(begun.headers.get('set-cookie')).toMatch(/HttpOnly;(?: Secure;)? SameSite=Lax/);
    expect(Object.fromEntries(new URL(begun.headers.get('location') ?? '').searchParams)).toMatchObject({
      acr_values: 'urn:okta:loa:2fa:any',
      max_age: '0',
      code_challenge_method: 'S256',
    });
  });
});

describe('a requirement beside it that wants no step-up', () => {
  test('is approved in Slack as always; the vote of the one counts for nothing of the other', async () => {
    const bot = await world.agent('step-up-bot', 'mona');
    const mandate = await world.mandate('mona', bot, { scopes: ['okta.mfa.reset'], resources: ['team'] });
    const agent: Actor = {
      kind: 'agent',
      surface: 'mcp',
      agentId: bot.id,
      personId: (await world.person('mona')).id,
      mandateId: mandate,
      scopes: ['okta.mfa.reset'],
      jti: 'jti',
    };
    const asked = await world.as(agent, 'okta_reset_mfa', { person: 'bob@acme.example' });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    expect(await world.vote('erin', asked.approvalId)).toMatchObject({ output: { state: 'pending' } });
    await expect(world.vote('dana', asked.approvalId)).rejects.toMatchObject({
      detail: { reason: 'step_up_required' },
    });
    for (const who of ['dana', 'ivan'])
      expect(await pages.presses(await pages.opens(who, asked.approvalId), 'approve')).toMatchObject({
        status: 200,
      });
    const { factors } = atOkta('bob');
    await eventually(async () => atOkta('bob').factors.length === 0, 'Okta removes the factors');
    atOkta('bob').factors = factors;
  });
});

describe('who is let in', () => {
  test('whoever may not decide sees the same as where there is no approval', async () => {
    const before = await stepUps();
    const seen = await Promise.all(
      [
        ['nina', approval],
        ['mona', approval],
        ['bob', approval],
        ['dana', newId('apr')],
      ].map(async ([who = '', id = '']) => {
        const { page } = await pages.opens(who, id);
        return `${page.status} ${page.text}`;
      }),
    );
    expect([...new Set(seen)]).toHaveLength(1);
    expect(seen[0]).toMatch(/^404 .*Nothing to decide here/s);
    expect(await stepUps()).toBe(before);
  });

  test('a person without a second factor is sent back by Okta, and told what to do', async () => {
    const before = await stepUps();
    const { factors } = atOkta('ivan');
    atOkta('ivan').factors = [];
    const { page } = await pages.opens('ivan', approval);
    atOkta('ivan').factors = factors;
    expect(page).toMatchObject({ status: 403, text: expect.stringContaining('A second factor is needed') });
    expect(await stepUps()).toBe(before);
  });

  test.each([
    ['says a lower level', { acr: 'urn:okta:loa:1fa:any' }, 'no_second_factor'],
    ['ignores acr_values', { acr: null }, 'no_second_factor'],
    ['used no second factor in truth', { amr: ['pwd'] }, 'no_second_factor'],
    ['says nothing of methods', { amr: null }, 'no_second_factor'],
  ])('an Okta that %s opens nothing, and the ledger has it', async (_, claims, reason) => {
    const before = await stepUps();
    world.okta.idTokenClaims(claims);
    const { page } = await pages.opens('dana', approval);
    expect(page.status).toBe(403);
    expect(await stepUps()).toBe(before);
    expect((await world.ledger('identity_refused')).at(-1)).toMatchObject({
      actor: 'okta:step-up',
      data: { reason, approval_id: approval },
    });
  });

  test('a sign-in that is older than five minutes opens nothing', async () => {
    world.okta.idTokenClaims({ auth_time: Math.floor(Date.now() / 1000) - 400 });
    const { page } = await pages.opens('dana', approval);
    expect(page.status).toBe(403);
    expect(await stepUps()).toBe(0);
  });

  test('the answer of Okta is worth nothing in another browser than the one that began', async () => {
    const browser = new Browser();
    const picker = await browser.go(pages.pageOf(approval), 'nowhere:');
    const asked = await browser.press(picker, { name: 'login', value: 'dana@acme.example' }, 'nowhere:');
    const back = await browser.press(asked, { name: 'factor', value: 'push' }, `${world.url}/t/`);
    expect(back.url.pathname).toMatch(/step-up\/callback$/);
    const victim = new Browser();
    expect((await victim.go(back.url, 'nowhere:')).text).toContain('cannot be used here');
    // The right browser, once and not again.
    expect((await browser.go(back.url, 'nowhere:')).text).toContain('Reset password');
    expect((await browser.go(back.url, 'nowhere:')).status).not.toBe(200);
  });
});

describe('the way to Okta and back', () => {
  /** Dana's browser, up to the moment when Okta sends it back. */
  async function returning(browser = new Browser()) {
    const picker = await browser.go(pages.pageOf(approval), 'nowhere:');
    const asked = await browser.press(picker, { name: 'login', value: 'dana@acme.example' }, 'nowhere:');
    const { url } = await browser.press(asked, { name: 'factor', value: 'push' }, `${world.url}/t/`);
    return { browser, url };
  }
  const rows = async () =>
    (await world.sql`select count(*)::int as n from oidc_models where tenant_id = ${world.tenantId}`)[0]?.[
      'n'
    ];

  test('writes nothing, however often a stranger begins it or comes back with an answer that Okta never gave', async () => {
    const before = await rows();
    for (let time = 0; time < 5; time += 1) {
      const begun = await fetch(pages.pageOf(approval), { redirect: 'manual' });
      expect(begun.status).toBe(303);
      const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
      const [kept = ''] = (begun.headers.get('set-cookie') ?? '').split(';');
      const answer = `${world.url}/t/${world.tenantId}/step-up/callback?code=made-up&state=${state}`;
      expect((await fetch(answer, { headers: { cookie: kept } })).status).toBe(502);
    }
    expect(await rows()).toBe(before);
  });

  test('is one for each browser, the newest: no site can have it begin so many that the way back is too long', async () => {
    const older = await returning();
    const { browser, url } = await returning(older.browser);
    expect(browser.cookiesFor(url)).toMatch(/^prokura_flow=[^;]+$/);
    expect((await browser.go(older.url, 'nowhere:')).status).toBe(502);
    expect((await browser.go(url, 'nowhere:')).text).toContain('Reset password');
    // It has ended. Max-Age 0 deletes it in a real browser; this one keeps its name.
    expect(browser.cookiesFor(url)).toMatch(/^(?:prokura_flow=)?$/);
  });

  test('is used once, even where the browser kept its cookie and Okta takes the code again', async () => {
    const { browser, url } = await returning();
    const cookie = browser.cookiesFor(url);
    const real = globalThis.fetch;
    let given: Promise<Response> | undefined;
    const lax = vi.spyOn(globalThis, 'fetch').mockImplementation(async (to, init) => {
      if (init?.method !== 'POST' || !new Request(to).url.endsWith('/v1/token')) return real(to, init);
      given ??= real(to, init);
      return (await given).clone();
    });
    try {
      const again = () => fetch(url, { headers: { cookie }, redirect: 'manual' });
      const answers = await Promise.all([again(), again(), again()]);
      expect(answers.map(({ status }) => String(status)).sort()).toEqual(['303', '502', '502']);
      expect((await again()).status).toBe(502);
      expect(await given).toMatchObject({ status: 200 });
      expect(await stepUps()).toBe(1);
    } finally {
      lax.mockRestore();
    }
  });

  test('ends after ten minutes, and a cookie that was changed or is of another sign-in opens nothing', async () => {
    const { browser, url } = await returning();
    const cookie = browser.cookiesFor(url);
    const other = await returning();
    const comes = (with_: string) => fetch(url, { headers: { cookie: with_ }, redirect: 'manual' });
    late = 601_000;
    expect((await comes(cookie)).status).toBe(502);
    late = 0;
    expect((await comes(other.browser.cookiesFor(url))).status).toBe(502);
    expect((await comes(`${cookie.slice(0, -6)}AAAAAA`)).status).toBe(502);
    expect(await stepUps()).toBe(0);
    expect((await comes(cookie)).status).toBe(303);
  });
});

describe('a step-up', () => {
  test('is good for one vote, however often the form is sent at once', async () => {
    const dana = await pages.opens('dana', approval);
    const answers = await Promise.all(Array.from({ length: 6 }, () => pages.presses(dana, 'approve')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await votesFor()).toHaveLength(1);
    expect(await pages.presses(dana, 'approve')).toMatchObject({ status: 403 });
  });

  test('ends after five minutes', async () => {
    const dana = await pages.opens('dana', approval);
    late = 301_000;
    expect(await pages.presses(dana, 'approve')).toMatchObject({
      status: 403,
      text: expect.stringContaining('Your step-up sign-in has ended'),
    });
    expect(await votesFor()).toEqual([]);
  });

  test('is for this version: when somebody else has voted since, it is asked for again', async () => {
    const [dana, ivan] = [await pages.opens('dana', approval), await pages.opens('ivan', approval)];
    await pages.presses(dana, 'approve');
    expect(await pages.presses(ivan, 'approve')).toMatchObject({ status: 409 });
    expect(await votesFor()).toHaveLength(1);
    const again = await ivan.browser.go(pages.pageOf(approval), 'nowhere:');
    expect(again.text).toContain('Sign in as');
  });

  test('is for this approval and this person: with another it is refused in the transaction of the vote', async () => {
    await pages.opens('dana', approval);
    const [row] = await world.sql<{ id: string }[]>`
      select id from oidc_models where kind = 'StepUp' and payload->>'approvalId' = ${approval}`;
    const other = await world.as(await world.actor('mona'), 'okta_reset_mfa', { person: 'bob@acme.example' });
    if (other.status !== 'waiting') throw new Error(JSON.stringify(other));
    const votes = (who: string, id: string) =>
      world.actor(who).then((actor) =>
        world.as({ ...actor, stepUp: row?.id ?? '' }, 'approval_decide', {
          approval_id: id,
          decision: 'approve',
          version: 1,
        }),
      );
    await expect(votes('dana', other.approvalId)).rejects.toMatchObject({
      detail: { reason: 'step_up_required' },
    });
    await expect(votes('ivan', approval)).rejects.toMatchObject({ detail: { reason: 'step_up_required' } });
    expect([...(await votesFor()), ...(await votesFor(other.approvalId))]).toEqual([]);
    // A refused vote used up nothing.
    expect(await votes('dana', approval)).toMatchObject({ status: 'done' });
    await world.as(await world.actor('mona'), 'approval_cancel', { approval_id: other.approvalId });
  });

  test("dies with the person's sign-ins: a suspension between sign-in and vote", async () => {
    const ivan = await pages.opens('ivan', approval);
    const outcome = await world.as(
      await world.actor('dana'),
      'okta_suspend_user',
      { person: 'ivan@acme.example' },
      { waitMs: 60_000 },
    );
    expect(outcome.status).toBe('done');
    expect(await stepUps()).toBe(0);
    expect(await pages.presses(ivan, 'approve')).toMatchObject({ status: 403 });
    expect(await votesFor()).toEqual([]);
    atOkta('ivan').status = 'ACTIVE';
    await world.sql`update people set status = 'ACTIVE' where email = 'ivan@acme.example'`;
  });

  test('a form without the token of the page, or from another site, decides nothing', async () => {
    const dana = await pages.opens('dana', approval);
    const url = dana.page.url;
    expect(await pages.send(dana.browser, url, { csrf: 'x', decision: 'approve' })).toMatchObject({
      status: 403,
    });
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
      expect(await pages.presses(dana, 'approve', {}, headers)).toMatchObject({ status: 403 });
    expect(await pages.send(new Browser(), url, { csrf: 'x', decision: 'approve' })).toMatchObject({
      status: 403,
    });
    expect(await votesFor()).toEqual([]);
  });

  test('stands in the rows as a digest only', async () => {
    const { browser } = await pages.opens('dana', approval);
    const secret = /prokura_step_up=stp_[0-9a-z]+\.([0-9a-z]+)/.exec(
      browser.cookiesFor(new URL(pages.pageOf(approval))),
    )?.[1];
    expect(secret).toHaveLength(52);
    const rows = await world.sql`select payload::text as text from oidc_models`;
    expect(rows.some(({ text }) => (text as string).includes(secret ?? ''))).toBe(false);
  });
});

describe('what others are told', () => {
  test('without a login client it is refused at once, with what to configure', async () => {
    const outcome = await call(
      { ...world.app, loginIssuer: null },
      {
        tenantId: world.tenantId,
        actor: await world.actor('mona'),
        tool: 'okta_reset_mfa',
        input: { person: 'bob@acme.example' },
      },
    );
    expect(outcome).toMatchObject({
      status: 'denied',
      denial: { code: 'step_up_required', message: expect.stringContaining('OKTA_LOGIN_CLIENT_ID') },
    });
  });

  test('the call itself says where it is decided', async () => {
    const response = await fetch(`${world.url}/v1/calls/${callId}`, {
      headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
    });
    expect(await response.json()).toMatchObject({ outcome: { approval_url: pages.pageOf(approval) } });
  });
});
