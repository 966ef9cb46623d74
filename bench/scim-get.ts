import { SAMPLE_COMPANY } from '#sandbox/company.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { wallRemark } from './harness/remark.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import type { LoadRequest } from './processes/load.ts';

const AMOUNT: Amount = { warmUp: 3000, perRound: 1000, rounds: 7 };
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

/**
 * `GET /v1/scim/v2/Users/{id}` with an API key, over the people of the sample company. Floor: the bare echo.
 */
export async function scimGet(stage: Stage): Promise<Row[]> {
  const amount = scaled(AMOUNT, stage.scale);
  const paths = await provision(stage);
  const requests = Array.from({ length: requestsNeeded(amount) }, (_, index): LoadRequest => ({
    method: 'GET',
    path: paths[index % paths.length] ?? '',
    headers: { authorization: `Bearer ${stage.fixtures.scimKey}`, accept: 'application/scim+json' },
  }));
  const { rounds, wall } = await measureHttp(stage, amount, requests, '"userName"');
  return [rowOf('scim-get', rounds, wallRemark(wall, amount.perRound))];
}

/**
 * Creates the SCIM users of the active people as Okta does; a second run finds them. Returns the paths of the
 * users.
 */
async function provision({ fixtures }: Stage): Promise<string[]> {
  const paths: string[] = [];
  const headers = { authorization: `Bearer ${fixtures.scimKey}`, 'content-type': 'application/scim+json' };
  for (const person of SAMPLE_COMPANY.people.filter(({ status }) => status === 'ACTIVE')) {
    const body = JSON.stringify({
      schemas: [USER],
      userName: person.email,
      externalId: person.oktaId,
      name: { givenName: person.firstName, familyName: person.lastName },
      displayName: `${person.firstName} ${person.lastName}`,
      emails: [{ primary: true, value: person.email, type: 'work' }],
      title: person.title,
      active: true,
    });
    const response = await fetch(`${fixtures.scimBase}/Users`, { method: 'POST', headers, body });
    const user = (await response.json()) as { id?: string };
    if (response.status !== 201 || user.id === undefined)
      throw new Error(`POST /Users: ${response.status} ${JSON.stringify(user)}`);
    paths.push(new URL(`${fixtures.scimBase}/Users/${user.id}`).pathname);
  }
  return paths;
}
