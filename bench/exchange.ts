import { createPrivateKey, randomUUID } from 'node:crypto';
import { samplePerson } from '#sandbox/company.ts';
import type { OktaSimulator } from '#sandbox/okta/index.ts';
import { signJwt } from '#lib/jwt.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import { wallRemark } from './harness/remark.ts';
import type { Stage } from './harness/stage.ts';
import { PRINCIPAL, type Fixtures } from './processes/fixtures.ts';
import type { CryptoCost } from './processes/floor.ts';
import type { LoadRequest } from './processes/load.ts';

const AMOUNT: Amount = { warmUp: 1200, perRound: 400, rounds: 7 };
const CRYPTO_OPERATIONS = 500;

/**
 * Token exchanges (RFC 8693) at a tenant's token endpoint: every request has a subject token and a client assertion of its own. Rows:
 * `exchange`, floor echo + RS256 verify + ES256 sign (issue 4), and `exchange-client-auth`, the same exchange over a floor that
 * also verifies the client's ES256 assertion, as private_key_jwt must.
 */
export async function exchange(stage: Stage): Promise<Row[]> {
  const amount = scaled(AMOUNT, stage.scale);
  const requests = await exchangeRequests(stage.okta, stage.fixtures, requestsNeeded(amount));
  const signed = signedBytes(requests[0]?.body ?? '');
  const costs: CryptoCost[] = [];
  const operations = Math.max(2, Math.round(CRYPTO_OPERATIONS * stage.scale));
  const crypto = () => stage.floor.ask('crypto', { operations, ...signed });
  await crypto();
  const { rounds, wall } = await measureHttp(stage, amount, requests, '"access_token"', async () => {
    costs.push(await crypto());
  });
  const over = (of: (cost: CryptoCost) => number) =>
    rounds.map(({ ours, floor }, index) => ({ ours, floor: floor + of(costs[index]!) }));
  return [
    rowOf(
      'exchange',
      over((cost) => cost.rs256Verify + cost.es256Sign),
      wallRemark(wall, amount.perRound),
    ),
    rowOf(
      'exchange-client-auth',
      over((cost) => cost.rs256Verify + cost.es256Sign + cost.es256Verify),
      '',
    ),
  ];
}

/** Exchange requests that are each good once, for the next four minutes. */
export async function exchangeRequests(
  okta: OktaSimulator,
  fixtures: Fixtures,
  count: number,
): Promise<LoadRequest[]> {
  const key = createPrivateKey(fixtures.agentKey.pem);
  const { email } = samplePerson(PRINCIPAL);
  const now = Math.floor(Date.now() / 1000);
  const requests: LoadRequest[] = [];
  for (let made = 0; made < count; made += 1) {
    const claims = {
      iss: fixtures.agentId,
      sub: fixtures.agentId,
      aud: fixtures.issuer,
      iat: now,
      exp: now + 290,
      jti: randomUUID(),
    };
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await okta.tokenFor(email, { scopes: ['delegation:create'] }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      mandate_id: fixtures.mandateId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signJwt({ alg: 'ES256', kid: fixtures.agentKey.kid }, claims, key),
    });
    requests.push({
      method: 'POST',
      path: new URL(`${fixtures.issuer}/oauth2/token`).pathname,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
  }
  return requests;
}

/** How many bytes the two incoming signatures cover. */
function signedBytes(body: string): { rs256Bytes: number; es256Bytes: number } {
  const form = new URLSearchParams(body);
  const bytes = (name: string) => form.get(name)?.lastIndexOf('.') ?? 0;
  return { rs256Bytes: bytes('subject_token'), es256Bytes: bytes('client_assertion') };
}
