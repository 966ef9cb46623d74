import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from '../support/world.ts';
import { clientDocument, REDIRECT, signIns, type SignIns } from '../support/sign-ins.ts';

/** What an unknown client says about itself, on the consent page and in the list of a person's clients. */
const HOST = 'https://many-people-publish-here.example/';
const documents = new Map<string, Response>();
let world: World;
let flows: SignIns;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      dynamicRegistration: true,
      fetch: (input) =>
        Promise.resolve(documents.get(new Request(input).url)?.clone() ?? new Response('', { status: 404 })),
    },
  });
  flows = signIns(world);
});
afterAll(() => world.close());

/** The consent page of a client with this name. */
async function pageOf(slug: string, client_name: string) {
  const client_id = `${HOST}${slug}.json`;
  documents.set(client_id, clientDocument({ client_id, client_name }));
  const { page } = await flows.toConsent({ query: { client_id } });
  expect(page.status).toBe(200);
  const heading = /<h1>Let ([^<]*) act for you\?<\/h1>/.exec(page.text)?.[1];
  const title = /<title>Let ([^<]*) act for you\?<\/title>/.exec(page.text)?.[1];
  expect(title).toBe(heading);
  return { name: heading, text: page.text, client_id };
}

const SPOOF =
  'Claude Code\u202e\u2066 (verified)\r\n\r\nAlready\u2028approved\u200b by\tIvan\u0000 Novak\u{e0041}';
const PLAIN = 'Claude Code (verified) Already approved by Ivan Novak';

test('a client’s name is one line, without controls and without what turns text round', async () => {
  const { name, text } = await pageOf('spoof', SPOOF);
  expect(name).toBe(PLAIN);
  // oxlint-disable-next-line no-control-regex -- these characters are what it is about
  expect(text).not.toMatch(/[\u0000\u200b\u2028\u202a-\u202e\u2066-\u2069]|\u{e0041}/u);
});

test('a name has 60 characters at most, whole ones', async () => {
  expect((await pageOf('fits', '🦊'.repeat(60))).name).toBe('🦊'.repeat(60));
  expect((await pageOf('long', '🦊'.repeat(61))).name).toBe(`${'🦊'.repeat(59)}…`);
});

test('one that nobody can see is shown as the host that describes the client', async () => {
  expect((await pageOf('unseen', ' \u200b\u2063 ')).name).toBe(new URL(HOST).host);
});

test('the whole client_id stands on the page, since many people publish on one host', async () => {
  for (const slug of ['users/alice', 'users/mallory']) {
    const { text, client_id } = await pageOf(slug, 'Alice’s notes');
    expect(text).toContain(`Described at ${client_id}`);
  }
});

test('a registered client has its name drawn the same way, there and in /client list', async () => {
  const response = await fetch(`${world.company.issuer}/oauth2/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: SPOOF.replace('\0', ''),
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }),
  });
  const { client_id } = (await response.json()) as { client_id: string };
  const { browser, page } = await flows.toConsent({ person: 'ann', query: { client_id } });
  expect(page.text).toContain(`<h1>Let ${PLAIN} act for you?</h1>`);
  expect(page.text).toContain(`Self-reported name; not verified (${client_id})`);
  await browser.press(page, { name: 'decision', value: 'approve' }, REDIRECT);
  const listed = await world.as(await world.actor('ann'), 'client_list', {});
  expect(listed).toMatchObject({
    output: {
      clients: [{ summary: expect.stringContaining(`${PLAIN} (${client_id}) can act`) as string }],
    },
  });
});
