import postgres, { type Sql } from 'postgres';
import { newId } from '#lib/id.ts';
import { secretRequests } from './exchange.ts';
import type { Round } from './harness/measure.ts';
import { rowOf, WALL_UNIT, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import type { Fixtures } from './processes/fixtures.ts';
import type { LoadRequest } from './processes/load.ts';

const PER_ROUND = 25;
const ROUNDS = 24;
const WARM_UPS = 6;

/**
 * What somebody sees who asks for mandates in sequence and measures the time (T17): the time until the
 * refusal of another tenant's, another employee's and another agent's mandate, divided by that of a mandate
 * that does not exist. The first row divides the times of two such mandates, which shows the noise of the
 * machine.
 */
export async function oracle(stage: Stage): Promise<Row[]> {
  const { fixtures, scale } = stage;
  const owner = postgres(stage.databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const mandates = {
      'oracle-nobody': newId('mdt'),
      'oracle-tenant': await inAnotherTenant(owner, fixtures),
      'oracle-employee': await copied(owner, 'mandates', fixtures.secretAgent.mandateId, {
        id: newId('mdt'),
        principal_id: fixtures.targetId,
        status_index: null,
      }),
      'oracle-agent': fixtures.mandateId,
    };
    const subjects = await secretRequests(stage.okta, fixtures, Math.max(2, Math.round(PER_ROUND * scale)));
    return await compared(stage, mandates, subjects);
  } finally {
    await owner.end();
  }
}

async function compared(
  { fixtures, load, scale }: Stage,
  mandates: Readonly<Record<string, string>>,
  subjects: readonly LoadRequest[],
): Promise<Row[]> {
  const own = fixtures.secretAgent.mandateId;
  /** The median time of requests in sequence, in microseconds. */
  const timed = async (mandateId: string): Promise<number> => {
    const requests = subjects.map((one) => ({ ...one, body: one.body?.replace(own, mandateId) ?? '' }));
    const form = {
      origin: fixtures.url,
      requests,
      connections: 1,
      perSecond: null,
      status: 400,
      mustContain: 'invalid_grant',
    };
    return (await load.ask('run', form)).p50 * 1000;
  };
  const names = Object.keys(mandates);
  const absent = newId('mdt');
  const rounds = new Map(names.map((name): [string, Round[]] => [name, []]));
  const times = (count: number) => (scale >= 1 ? count : Math.max(1, Math.round(count * scale)));
  for (let round = -times(WARM_UPS); round < times(ROUNDS); round += 1) {
    for (const name of rotated(names, Math.abs(round))) {
      // Measure each beside its own missing mandate, before and after it in turn, so that drift of the
      // machine affects both.
      const ours = () => timed(mandates[name] ?? '');
      const [first, second] =
        round % 2 === 0 ? [await ours(), await timed(absent)] : [await timed(absent), await ours()];
      if (round < 0) continue;
      rounds
        .get(name)
        ?.push(round % 2 === 0 ? { ours: first, floor: second } : { ours: second, floor: first });
    }
  }
  return names.map((name) => rowOf(name, rounds.get(name) ?? [], 'until the refusal', WALL_UNIT));
}

const rotated = <T>(list: readonly T[], by: number): T[] => [
  ...list.slice(by % list.length),
  ...list.slice(0, by % list.length),
];

/** A copy of the mandate with everything it depends on, in another tenant. */
async function inAnotherTenant(
  owner: Sql,
  { tenantId, principalId, secretAgent }: Pick<Fixtures, 'tenantId' | 'principalId' | 'secretAgent'>,
): Promise<string> {
  const tenant = {
    tenant_id: await copied(owner, 'tenants', tenantId, { id: newId('tnt'), slack_team_id: null }),
  };
  const person = await copied(owner, 'people', principalId, {
    ...tenant,
    id: newId('usr'),
    manager_id: null,
  });
  const agent = await copied(owner, 'agents', secretAgent.id, {
    ...tenant,
    id: newId('agt'),
    owner_id: person,
  });
  return copied(owner, 'mandates', secretAgent.mandateId, {
    ...tenant,
    id: newId('mdt'),
    principal_id: person,
    agent_id: agent,
    status_index: null,
  });
}

/** Inserts a copy of the row with this id, with some values changed. Returns the id of the copy. */
async function copied(
  owner: Sql,
  table: 'tenants' | 'people' | 'agents' | 'mandates',
  id: string,
  change: Readonly<Record<string, string | null>> & { readonly id: string },
): Promise<string> {
  await owner`
    insert into ${owner(table)}
    select (jsonb_populate_record(one, ${owner.json(change)})).* from ${owner(table)} one where id = ${id}`;
  return change.id;
}
