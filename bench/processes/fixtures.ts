import { generateKeyPairSync } from 'node:crypto';
import { findPersonByUid } from '#domain/person/store.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { AGENT_MANAGE, issueAgentSecret } from '#engine/agent-secret.ts';
import { call } from '#engine/call.ts';
import type { SetUpAnswer } from '#engine/set-up.ts';
import { readonly, transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import type { RunningServer } from '../../src/main/server.ts';

/** What the requests are made of. */
export interface Fixtures {
  readonly url: string;
  readonly tenantId: string;
  readonly issuer: string;
  readonly scimBase: string;
  /** The complete key: `tnt_…:mk_…`. */
  readonly scimKey: string;
  /** The key of a resource server. */
  readonly introspectKey: string;
  readonly agentId: string;
  /** Thumbprint and PKCS #8 of the agent's ES256 key. */
  readonly agentKey: { readonly kid: string; readonly pem: string };
  /** Bob, the principal, and Ann, his report, whom the mandate covers. */
  readonly principalId: string;
  readonly targetId: string;
  readonly mandateId: string;
  /** An agent that authenticates with a generated secret, and Bob's mandate for it. */
  readonly secretAgent: { readonly id: string; readonly secret: string; readonly mandateId: string };
  readonly scopes: readonly string[];
  /** The key of another system that asks at `/v1/verify`. */
  readonly verifyKey: string;
  /** The first administrator's key, which reads the ledger and every call. */
  readonly adminKey: string;
}

/** The sample person whose access tokens are exchanged. */
export const PRINCIPAL = 'bob';
/** The name of the agent. */
export const AGENT = 'benchmark';
const TARGET = 'ann';
const SCOPES = ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'];

/**
 * Registers an agent as an IT administrator and gives it a mandate as its owner, through the engine like
 * everybody.
 */
export async function prepareFixtures({ app, url }: RunningServer, company: SetUpAnswer): Promise<Fixtures> {
  const tenantId = company.tenant_id;
  const person = async (key: string): Promise<string> => {
    const found = await readonly(app, tenantId, (reader) =>
      findPersonByUid(reader, 'okta', samplePerson(key).oktaId),
    );
    if (found === null) throw new Error(`${key} has not been imported`);
    return found.id;
  };
  const done = async (personId: string, tool: string, input: unknown): Promise<Record<string, unknown>> => {
    const actor = {
      kind: 'person',
      surface: 'job',
      personId,
      identity: { matched_by: 'benchmark' },
    } as const;
    const outcome = await call(app, { tenantId, actor, tool, input });
    if (outcome.status !== 'done') throw new Error(`${tool}: ${JSON.stringify(outcome)}`);
    return outcome.output;
  };
  const [principalId, targetId] = [await person(PRINCIPAL), await person(TARGET)];
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const registered = async (name: string) =>
    done(await person('dana'), 'agent_register', {
      name,
      owner: principalId,
      scopes: SCOPES,
      public_key: JSON.stringify(pair.publicKey.export({ format: 'jwk' })),
    });
  const mandateFor = async (agentId: string): Promise<string> => {
    const mandate = await done(principalId, 'mandate_create', {
      agent: agentId,
      scopes: SCOPES,
      resources: ['team'],
      days: 7,
      purpose: 'to be measured',
    });
    return String(mandate['mandate_id']);
  };
  const agent = await registered('benchmark');
  const agentId = String(agent['agent_id']);
  const mandateId = await mandateFor(agentId);
  const secretAgentId = String((await registered('benchmark-with-secret'))['agent_id']);
  const owner = { kind: 'person', surface: 'job', personId: principalId, identity: {} } as const;
  const { client_secret: secret } = await issueAgentSecret(
    app,
    tenantId,
    owner,
    [AGENT_MANAGE],
    secretAgentId,
  );
  const keyFor = (scope: string) =>
    transact(app, tenantId, (ctx) => createApiKey(ctx, app.mode, { name: 'benchmark', scopes: [scope] }));
  const introspect = await keyFor('introspect');
  const secretAgent = { id: secretAgentId, secret, mandateId: await mandateFor(secretAgentId) };
  const verify = await keyFor('verify');
  return {
    url,
    tenantId,
    issuer: company.issuer,
    scimBase: company.scim_base_url,
    scimKey: company.api_keys.scim,
    introspectKey: introspect.presented,
    agentId,
    agentKey: {
      kid: String(agent['kid']),
      pem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    principalId,
    targetId,
    mandateId,
    secretAgent,
    scopes: SCOPES,
    verifyKey: verify.presented,
    adminKey: company.api_keys.admin,
  };
}
