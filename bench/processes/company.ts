import { setTimeout as sleep } from 'node:timers/promises';
import type { PersonActor } from '#domain/actor.ts';
import { findPersonByUid, type Person } from '#domain/person/store.ts';
import { call } from '#engine/call.ts';
import type { Outcome } from '#engine/outcome.ts';
import { setUpTenant, type SetUpAnswer } from '#engine/set-up.ts';
import { browse, readonly } from '#engine/transact.ts';
import { SAMPLE_COMPANY, samplePerson } from '#sandbox/company.ts';
import { EVERYONE_GROUP_ID } from '#sandbox/okta/index.ts';
import { searchFor } from '#surfaces/slack/forms/pickers.ts';
import { lastSync } from '#domain/tenant/connection.ts';
import { providerLinks } from '../../src/main/providers.ts';
import type { RunningServer } from '../../src/main/server.ts';

/** Sets up a second organisation with the sample company's people, and waits for its import. */
export async function anotherCompany({ app, okta }: RunningServer): Promise<SetUpAnswer> {
  const group = (name: string) => SAMPLE_COMPANY.groups.find((one) => one.name === name)?.oktaId ?? '';
  const answer = await setUpTenant(
    app,
    {
      name: 'Globex',
      slackTeamId: null,
      emailDomains: [SAMPLE_COMPANY.domain],
      administrators: [samplePerson('dana').email],
      groups: {
        it_admin: group('IT Admins'),
        manager: group('Managers'),
        executive: group('Executives'),
        member: EVERYONE_GROUP_ID,
      },
      okta: { ...providerLinks(app, okta).setUp, fromSettings: false },
    },
    () => Promise.resolve(),
  );
  for (let waited = 0; waited < 60_000; waited += 50) {
    if ((await readonly(app, answer.tenant_id, lastSync)) !== null) return answer;
    await sleep(50);
  }
  throw new Error('the second company was not imported within 60 seconds');
}

/** A tool, used by a person of the sample company as from Slack. */
export interface Use {
  readonly tenantId: string;
  readonly who: string;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const personOf = async ({ app }: RunningServer, tenantId: string, key: string): Promise<Person> => {
  const found = await readonly(app, tenantId, (reader) =>
    findPersonByUid(reader, 'okta', samplePerson(key).oktaId),
  );
  if (found === null) throw new Error(`${key} has not been imported`);
  return found;
};

const actorOf = (person: Person): PersonActor => ({
  kind: 'person',
  surface: 'slack',
  personId: person.id,
  identity: { account: `T0ACME00000/${person.id}`, matched_by: 'email' },
});

async function used(server: RunningServer, { tenantId, who, tool, input }: Use): Promise<Outcome> {
  const actor = actorOf(await personOf(server, tenantId, who));
  return call(server.app, { tenantId, actor, tool, input });
}

/** The wall time of `work`, in microseconds. */
async function micros(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) * 1000;
}

/** Uses a tool that answers at once. Throws if it does not. Returns the microseconds of each use. */
export async function timeTool(server: RunningServer, use: Use & { times: number }): Promise<number[]> {
  const actor = actorOf(await personOf(server, use.tenantId, use.who));
  const times: number[] = [];
  for (let time = 0; time < use.times; time += 1)
    times.push(
      await micros(async () => {
        const { tenantId, tool, input } = use;
        const outcome = await call(server.app, { tenantId, actor, tool, input });
        if (outcome.status !== 'done') throw new Error(`${tool}: ${JSON.stringify(outcome)}`);
      }),
    );
  return times;
}

/** The microseconds of building and signing the organisation's first status list anew. */
export async function timeStatusList({ kernel }: RunningServer, tenantId: string): Promise<number> {
  kernel.flushCaches();
  await kernel.signer(tenantId);
  return micros(() => kernel.statusLists.list(tenantId, 0));
}

/** The microseconds of what a menu of people offers for a query. */
export async function timeTypeahead(
  server: RunningServer,
  { tenantId, query }: { tenantId: string; query: string },
): Promise<number> {
  const { app } = server;
  const person = await personOf(server, tenantId, 'dana');
  return micros(() =>
    browse(app, tenantId, undefined, (reader) =>
      searchFor('person', { app, reader, person, actor: actorOf(person) }, query, 50),
    ),
  );
}

/** Freezes the whole organisation. Returns the microseconds until this token for MCP is refused. */
export async function timeFreeze(
  server: RunningServer,
  { tenantId, token }: { tenantId: string; token: string },
): Promise<number> {
  const actor = actorOf(await personOf(server, tenantId, 'dana'));
  const input = { target: 'organisation', reason: 'to be measured' };
  const from = performance.now();
  const frozen = call(server.app, { tenantId, actor, tool: 'freeze_apply', input });
  const audience = `${server.app.baseUrl}/mcp`;
  for (;;) {
    try {
      await server.kernel.verify(token, audience);
    } catch {
      const spent = (performance.now() - from) * 1000;
      const outcome = await frozen;
      if (outcome.status !== 'done') throw new Error(`freeze_apply: ${JSON.stringify(outcome)}`);
      return spent;
    }
  }
}

/** Beyond this, something does not happen at all. */
const LONGEST_MS = 900_000;

/**
 * Two IT admins take a group's mapping away. Returns the microseconds from the second vote until `left`
 * counts no mandate any more.
 */
export async function timeUnmap(
  server: RunningServer,
  { tenantId, group, role }: { tenantId: string; group: string; role: string },
  left: () => Promise<number>,
): Promise<number> {
  const asked = await used(server, { tenantId, who: 'dana', tool: 'group_unmap', input: { group, role } });
  if (asked.status !== 'waiting') throw new Error(`group_unmap: ${JSON.stringify(asked)}`);
  const vote = { approval_id: asked.approvalId, decision: 'approve', version: 1 };
  return micros(async () => {
    const voted = await used(server, { tenantId, who: 'ivan', tool: 'approval_decide', input: vote });
    if (voted.status !== 'done') throw new Error(`approval_decide: ${JSON.stringify(voted)}`);
    const deadline = performance.now() + LONGEST_MS;
    while ((await left()) > 0) {
      if (performance.now() > deadline) throw new Error('some mandates are still in force');
      await sleep(20);
    }
  });
}
