import { createPrivateKey, randomUUID } from 'node:crypto';
import { samplePerson } from '#sandbox/company.ts';
import type { OktaSimulator } from '#sandbox/okta/index.ts';
import { signJwt } from '#lib/jwt.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import { wallRemark } from './harness/remark.ts';
import type { Stage } from './harness/stage.ts';
import { PRINCIPAL, type Fixtures } from './processes/fixtures.ts';
import type { FloorCrypto } from './processes/floor.ts';
import type { LoadRequest } from './processes/load.ts';

const BY_SECRET: Amount = { warmUp: 1500, warmUps: 8, perRound: 1000, rounds: 7 };
const BY_KEY: Amount = { warmUp: 2000, perRound: 600, rounds: 7 };

/**
 * Token exchanges (RFC 8693) at a tenant's token endpoint, each with its own subject token. Row `exchange`: a
 * client that sends its secret, over a floor of echo, RS256 verify and ES256 sign. Row
 * `exchange-client-auth`: a client that signs an assertion for each request (private_key_jwt), over a floor
 * that also verifies an ES256 signature.
 */
export async function exchange(stage: Stage): Promise<Row[]> {
  const bySecret = scaled(BY_SECRET, stage.scale);
  const byKey = scaled(BY_KEY, stage.scale);
  return [
    await measured(
      'exchange',
      stage,
      bySecret,
      await secretRequests(stage.okta, stage.fixtures, requestsNeeded(bySecret)),
    ),
    await measured(
      'exchange-client-auth',
      stage,
      byKey,
      await exchangeRequests(stage.okta, stage.fixtures, requestsNeeded(byKey)),
    ),
  ];
}

async function measured(
  name: string,
  stage: Stage,
  amount: Amount,
  requests: readonly LoadRequest[],
): Promise<Row> {
  const crypto = cryptoOf(requests[0]?.body ?? '');
  const { rounds, wall } = await measureHttp(stage, amount, requests, '"access_token"', { crypto });
  return rowOf(name, rounds, wallRemark(wall, amount.perRound));
}

/** Exchange requests of the agent with a secret. */
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

/** Exchange requests of the agent with a key. Each can be used once, within the next four minutes. */
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
    subject_token: await okta.tokenFor(samplePerson(PRINCIPAL).email, { scopes: ['delegation:exchange'] }),
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

/**
 * What every exchange must do: verify the incoming signatures and make one. A delegation token is about as
 * long as the subject token.
 */
function cryptoOf(body: string): FloorCrypto {
  const form = new URLSearchParams(body);
  const bytes = (name: string) => form.get(name)?.lastIndexOf('.');
  const [subject, assertion] = [bytes('subject_token'), bytes('client_assertion')];
  return {
    ...(subject === undefined ? {} : { rs256Verify: subject, es256Sign: subject }),
    ...(assertion === undefined ? {} : { es256Verify: assertion }),
  };
}
