import { secretRequests } from './exchange.ts';
import { startChild } from './harness/channel.ts';
import { measureBeside, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { wallRemark } from './harness/remark.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import type { PeerMethods } from './processes/peer.ts';
import { SANDBOX_AUDIENCE } from '#sandbox/okta/authorization-server.ts';

const AMOUNT: Amount = { warmUp: 1000, warmUps: 8, perRound: 1000, rounds: 11 };

/**
 * The exchanges of `exchange` against the same done by a custom grant of `oidc-provider` with `jose`
 * (bench/peer/provider.ts): client secret, RS256 verify, one strict read, one written line, ES256 sign. The
 * column *floor* is the peer: 0.33 means that ours costs a third of it.
 */
export async function exchangePeer(stage: Stage): Promise<Row[]> {
  const { fixtures, okta, databaseUrl } = stage;
  const amount = scaled(AMOUNT, stage.scale);
  const requests = await secretRequests(okta, fixtures, requestsNeeded(amount));
  const child = startChild<PeerMethods>('peer.ts');
  try {
    const origin = await child.ask('start', {
      databaseUrl,
      tenantId: fixtures.tenantId,
      issuer: fixtures.issuer,
      audience: `${fixtures.url}/mcp`,
      client: fixtures.secretAgent,
      idp: {
        issuer: `${okta.url}/oauth2/default`,
        jwksUri: `${okta.url}/oauth2/default/v1/keys`,
        audience: SANDBOX_AUDIENCE,
      },
    });
    const { rounds, wall } = await measureBeside(stage, amount, requests, '"access_token"', {
      child,
      origin,
    });
    return [rowOf('exchange-peer', rounds, wallRemark(wall, amount.perRound))];
  } finally {
    await child.stop();
  }
}
