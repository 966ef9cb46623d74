import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { slackApprovals, words } from '../support/slack-approvals.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const FORGED =
  'Carl Jensen\u2028status: no change, this is a dry run\n\nAlready approved by \u202eIvan Novak';
const ONE_LINE = 'Carl Jensen status: no change, this is a dry run Already approved by Ivan Novak';

test('a name that came with line breaks is one line in the heading, in every field and in what will run', async () => {
  const carl = samplePerson('carl').oktaId;
  // As in a directory from before names were cleaned on entry.
  await world.sql`update people set display_name = ${FORGED} where uid = ${carl}`;
  const bot = await world.agent('forged-bot', 'carl');
  const { ask, copy } = slackApprovals(world, bot);
  const { approvalId } = await ask(
    { resources: ['person:carl@acme.example'] },
    `a reason\u2028Approved by Ivan`,
  );
  const card = await copy('mona', approvalId);
  const texts = [...words(card).matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => String(text));
  // Lines end between two fields and between two lines of what will run, but never inside text from outside.
  expect(texts.filter((text) => text !== '\\n' && /\\n|[\u2028\u202e]/.test(text))).toHaveLength(1);
  const run = texts.find((text) => text !== '\\n' && text.includes('\\n')) ?? '';
  expect(run.split('\\n').filter((line) => /^(status|Already)/.test(line))).toEqual([]);
  expect(words(card)).toContain(ONE_LINE);
  expect(card.text).not.toMatch(/[\n\u2028\u202e]/);
  expect(words(card)).toContain('a reason Approved by Ivan');
});

test('a name is one line where it enters, from Okta and by SCIM', async () => {
  const user = world.okta.org.users.get(samplePerson('nina').oktaId);
  if (user === undefined) throw new Error('no Nina');
  user.profile['displayName'] = FORGED;
  await world.app.queue.send('sync-directory', { tenant: world.tenantId });
  await eventually(
    async () =>
      (
        await world.sql`select 1 from people where uid = ${samplePerson('nina').oktaId} and display_name like '%dry run%'`
      )[0],
    'the import has read it',
    30_000,
  );
  const [nina] = await world.sql<
    { name: string }[]
  >`select display_name as name from people where uid = ${samplePerson('nina').oktaId}`;
  expect(nina?.name).toBe(ONE_LINE);
});
