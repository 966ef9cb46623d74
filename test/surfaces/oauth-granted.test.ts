import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAgentKeyPair } from '#domain/agent/key.ts';
import { agentKeys, agents } from '#domain/agent/tables.ts';
import type { TenantWriter } from '#domain/context.ts';
import { groupMappings, groups, memberships } from '#domain/group/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { newId } from '#lib/id.ts';
import { openBareWorld } from '../support/bare-world.ts';
import { exchange, subjectToken } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import { claimsOf, pass } from '../support/oauth-parties.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());

const NAMES = ['a', 'b', 'c', 'd', 'A'];
const scopes = (minLength = 0) => fc.uniqueArray(fc.constantFrom(...NAMES), { minLength });
const TOOLS = ['t1', 't2', 't3'];
// Bounded in half of the cases, so that enough chains reach their end.
const tools = fc.option(fc.uniqueArray(fc.constantFrom(...TOOLS), { minLength: 1 }), { freq: 1 });

/** The most that one agent may have, and what it asks for. Null means that it names no scope. */
const step = fc.record({
  mandate: fc.oneof(fc.constant(NAMES), scopes(1)),
  ceiling: fc.oneof({ weight: 3, arbitrary: fc.constant(NAMES) }, scopes()),
  tools,
  seconds: fc.integer({ min: 30, max: 600 }),
  asked: fc.option(scopes(1), { freq: 1 }),
  askedTools: tools,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const story = fc.record({
  authority: fc.oneof({ weight: 3, arbitrary: fc.constant(NAMES) }, scopes()),
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

const free: Step = {
  mandate: NAMES,
  ceiling: NAMES,
  tools: null,
  seconds: 300,
  asked: ['a', 'b'],
  askedTools: null,
};
/** Cases in which only one bound denies. Random cases would miss some of them in most runs. */
const EDGES: readonly Story[] = [
  { authority: ['a'], steps: [free] },
  { authority: NAMES, steps: [{ ...free, mandate: ['a'] }] },
  { authority: NAMES, steps: [{ ...free, ceiling: ['a'] }] },
  { authority: NAMES, steps: [{ ...free, asked: ['a'] }, free] },
  { authority: NAMES, steps: [free, { ...free, mandate: ['a'] }] },
  { authority: NAMES, steps: [free, { ...free, ceiling: ['a'] }] },
  {
    authority: NAMES,
    steps: [
      { ...free, tools: ['t1'] },
      { ...free, askedTools: ['t2'] },
    ],
  },
  {
    authority: NAMES,
    steps: [
      { ...free, askedTools: ['t1'] },
      { ...free, askedTools: ['t2'] },
    ],
  },
  { authority: NAMES, steps: [{ ...free, seconds: 30 }, free] },
];

/** Creates the person, the agents and the mandates of one case, each mandate from the one before. */
async function tell(ctx: TenantWriter, { authority, steps }: Story): Promise<Tenant[]> {
  const row = { tenantId: tenant.id };
  const [personId, groupId] = [newId('usr'), newId('grp')];
  const login = `${personId}@acme.test`;
  await ctx.db.insert(people).values({
    ...row,
    id: personId,
    provider: 'okta',
    uid: personId,
    login,
    email: login,
    displayName: 'P',
    status: 'ACTIVE',
  });
  await ctx.db
    .insert(groups)
    .values({ ...row, id: groupId, source: 'okta', uid: groupId, name: groupId, kind: 'OKTA_GROUP' });
  await ctx.db.insert(memberships).values({ ...row, groupId, personId });
  await ctx.db.insert(groupMappings).values({
    ...row,
    id: newId('map'),
    source: 'okta',
    groupUid: groupId,
    role: 'member',
    scopes: authority,
  });
  const told: Tenant[] = [];
  for (const { mandate, ceiling, tools: named, seconds } of steps) {
    const [agentId, mandateId, key] = [newId('agt'), newId('mdt'), newAgentKeyPair()];
    await ctx.db.insert(agents).values({ ...row, id: agentId, name: agentId, ownerId: personId, ceiling });
    await ctx.db
      .insert(agentKeys)
      .values({ ...row, agentId, kid: key.kid, alg: key.alg, publicJwk: key.publicJwk });
    await ctx.db.insert(mandates).values({
      ...row,
      id: mandateId,
      principalId: personId,
      agentId,
      scopes: mandate,
      resources: ['*'],
      tools: named,
      purpose: 'x',
      callId: newId('call'),
      parentId: told.at(-1)?.mandateId ?? null,
      startsAt: new Date(Date.now() - 60_000),
      expiresAt: new Date(Date.now() + seconds * 1000),
    });
    told.push({ ...tenant, personId, uid: personId, agentId, key, mandateId });
  }
  return told;
}

const form = ({ asked, askedTools }: Step) => ({
  scope: asked === null ? undefined : asked.join(' '),
  authorization_details:
    askedTools === null ? undefined : JSON.stringify([{ type: 'urn:prokura:mandate', tools: askedTools }]),
});
const meet = (lists: readonly (readonly string[] | null)[]): string[] | null => {
  const bounded = lists.filter((list) => list !== null);
  return bounded.length === 0 ? null : TOOLS.filter((tool) => bounded.every((list) => list.includes(tool)));
};

/** The result that the law requires for step `index`. `before` is what the presented token carries. */
function expected(
  { authority, steps }: Story,
  index: number,
  before: { scopes: string[]; tools: string[] | null } | null,
) {
  const { asked, askedTools } = steps[index]!;
  const bounds = [
    authority,
    ...steps.slice(0, index + 1).flatMap((one) => [one.mandate, one.ceiling]),
    ...(before === null ? [] : [before.scopes]),
  ];
  const own = steps[index]!.mandate.filter((scope) => before?.scopes.includes(scope) !== false);
  const wanted = asked ?? own;
  if (wanted.length === 0 || !wanted.every((scope) => bounds.every((bound) => bound.includes(scope))))
    return null;
  const allowed = meet([...steps.slice(0, index + 1).map((one) => one.tools), before?.tools ?? null]);
  if (askedTools !== null && allowed !== null && !askedTools.every((tool) => allowed.includes(tool)))
    return null;
  if (allowed?.length === 0) return null;
  return { scopes: wanted, tools: askedTools ?? allowed };
}

/** Runs the steps in order. Returns how far they went, and every difference from the expected result. */
async function live(told: Story, parties: readonly Tenant[]): Promise<{ depth: number; wrong: string[] }> {
  let token: string | null = null;
  let before: { scopes: string[]; tools: string[] | null; exp: number } | null = null;
  for (const [index, party] of parties.entries()) {
    const asked = form(told.steps[index]!);
    const answer: Awaited<ReturnType<typeof exchange>> =
      token === null
        ? await exchange(world, party, { subject_token: subjectToken(world, party), ...asked })
        : await pass(world, party, token, asked);
    const should = expected(told, index, before);
    const shown = JSON.stringify({ told, index, body: answer.body });
    if (should === null) {
      const refused = ['invalid_scope', 'invalid_authorization_details'].includes(
        String(answer.body['error']),
      );
      return { depth: index, wrong: refused ? [] : [`should be refused: ${shown}`] };
    }
    if (answer.status !== 200) return { depth: index, wrong: [`should be granted: ${shown}`] };
    token = String(answer.body['access_token']);
    const claims = claimsOf(token);
    const [details] = claims['authorization_details'] as { tools?: string[] }[];
    const granted = { scopes: String(claims['scope']).split(' '), tools: details?.tools?.toSorted() ?? null };
    const exp = Number(claims['exp']);
    const seconds = Math.min(300, ...told.steps.slice(0, index + 1).map((one) => one.seconds));
    const latest = Math.min(Math.floor(Date.now() / 1000) + seconds, before?.exp ?? Infinity);
    const same = isDeepStrictEqual(granted, { ...should, tools: should.tools?.toSorted() ?? null });
    if (!same || exp > latest)
      return { depth: index, wrong: [`should be ${JSON.stringify(should)}: ${shown}`] };
    before = { ...should, exp };
  }
  return { depth: parties.length, wrong: [] };
}

test('T15: granted = requested ∩ mandate ∩ ceiling ∩ authority now, and no re-exchange widens it', async () => {
  const reached = [0, 0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(story, { minLength: 12, maxLength: 12 }), async (stories) => {
      const parties: Tenant[][] = [];
      await world.write(tenant.id, async (ctx) => {
        for (const one of stories) parties.push(await tell(ctx, one));
      });
      const ends = await Promise.all(stories.map((one, index) => live(one, parties[index]!)));
      for (const { depth } of ends) reached[depth]! += 1;
      expect(ends.flatMap((end) => end.wrong)).toEqual([]);
    }),
    { numRuns: 9, endOnFailure: true, examples: [[[...EDGES]]] },
  );
  // A property that never grants anything proves nothing.
  expect(reached.slice(1).every((count) => count > 0)).toBe(true);
});
