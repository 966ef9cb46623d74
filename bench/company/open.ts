import postgres from 'postgres';
import type { Stage } from '../harness/stage.ts';
import { fillCompany } from './fill.ts';
import { LARGE, sized, SMALL, type CompanySize } from './sizes.ts';

/**
 * Two companies on one server and one database, so that every plan is made for the large one's statistics.
 */
export interface Companies {
  readonly small: Stage;
  readonly large: Stage;
  readonly size: CompanySize;
}

const opened = new WeakMap<Stage, Promise<Companies>>();

/**
 * The stage's own company, which stays small, and a large one beside it. They are filled the first time,
 * which takes some two minutes at scale 1; `BENCH_SCALE` multiplies the size of the large one.
 */
export function openCompanies(stage: Stage): Promise<Companies> {
  const known = opened.get(stage) ?? open(stage);
  opened.set(stage, known);
  return known;
}

async function open(stage: Stage): Promise<Companies> {
  const size = sized(LARGE, Math.min(1, stage.scale));
  const large = { ...stage, fixtures: await stage.server.ask('another', null) };
  const owner = postgres(stage.databaseUrl, { max: 1, onnotice: () => {} });
  try {
    // The simulated Okta does not know whom we fill in: a sync would find them all missing.
    await owner`delete from pgboss.schedule where name = 'sync-directory'`;
    const from = performance.now();
    await fillCompany(owner, stage.fixtures.tenantId, SMALL);
    await fillCompany(owner, large.fixtures.tenantId, size);
    const seconds = ((performance.now() - from) / 1000).toFixed(0);
    process.stderr.write(
      `filled in ${seconds} s: ${size.people} people, ${size.mandates} mandates, ${size.entries} entries\n`,
    );
  } finally {
    await owner.end();
  }
  return { small: stage, large, size };
}
