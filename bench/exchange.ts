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

const AMOUNT: Amount = { warmUp: 2400, perRound: 600, rounds: 7 };
const CRYPTO_OPERATIONS = 500;

/**
 * Token exchanges (RFC 8693) at a tenant's token endpoint, each with a subject token of its own. Rows: `exchange`, by a client that sends its
 * secret, over echo + RS256 verify + ES256 sign (issue 4), and `exchange-client-auth`, by one that signs an assertion for each request
 * (private_key_jwt), over a floor that verifies an ES256 signature too.
 */
export async function exchange(stage: Stage): Promise<Row[]> {
  const amount = scaled(AMOUNT, stage.scale);
  const count = requestsNeeded(amount);
  const bySecret = await measured(stage, amount, await secretRequests(stage.okta, stage.fixtures, count));
  const byKey = await measured(stage, amount, await exchangeRequests(stage.okta, stage.fixtures, count));
  return [
    rowOf(
      'exchange',
      bySecret.over((cost) => cost.rs256Verify + cost.es256Sign),
      wallRemark(bySecret.wall, amount.perRound),
    ),
    rowOf(
      'exchange-client-auth',
      byKey.over((cost) => cost.rs256Verify + cost.es256Sign + cost.es256Verify),
      wallRemark(byKey.wall, amount.perRound),
    ),
  ];
}

/** A run over HTTP, with what the primitives cost beside each round. */
async function measured(stage: Stage, amount: Amount, requests: readonly LoadRequest[]) {
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
  return { over, wall };
}

/** Exchange requests of the agent that has a secret. */
export async function secretRequests(
  okta: OktaSimulator,
  { issuer, secretAgent }: Fixtures,
  count: number,
): Promise<LoadRequest[]> {
  const requests: LoadRequest[] = [];
  for (let made = 0; made < count; made += 1)
    requests.push(
      await tokenRequest(okta, issuer, {
        mandate_id: secretAgent.mandateId,
        client_id: secretAgent.id,
        client_secret: secretAgent.secret,
      }),
    );
  return requests;
}

/** Exchange requests of the agent that has a key: each is good once, for the next four minutes. */
export async function exchangeRequests(
  okta: OktaSimulator,
  fixtures: Fixtures,
  count: number,
): Promise<LoadRequest[]> {
  const key = createPrivateKey(fixtures.agentKey.pem);
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
    requests.push(
      await tokenRequest(okta, fixtures.issuer, {
        mandate_id: fixtures.mandateId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: signJwt({ alg: 'ES256', kid: fixtures.agentKey.kid }, claims, key),
      }),
    );
  }
  return requests;
}

/** A token exchange with a fresh access token of the principal. */
async function tokenRequest(
  okta: OktaSimulator,
  issuer: string,
  more: Record<string, string>,
): Promise<LoadRequest> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await okta.tokenFor(samplePerson(PRINCIPAL).email, { scopes: ['delegation:create'] }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...more,
  });
  return {
    method: 'POST',
    path: new URL(`${issuer}/oauth2/token`).pathname,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  };
}

/** How many bytes the two incoming signatures cover. */
function signedBytes(body: string): { rs256Bytes: number; es256Bytes: number } {
  const form = new URLSearchParams(body);
  const bytes = (name: string) => form.get(name)?.lastIndexOf('.') ?? 0;
  return { rs256Bytes: bytes('subject_token'), es256Bytes: bytes('client_assertion') };
}
