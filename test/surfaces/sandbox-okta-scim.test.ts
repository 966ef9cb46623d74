import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { SANDBOX_API_TOKEN, startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { loadOktaSpec, startRecordingProxy } from '../../scripts/check-okta-sim.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown> | null;
}

const ann = samplePerson('ann').oktaId;
let sim: OktaSimulator;
let provider: Server;
let received: Received[];
const accounts = new Map<string, Record<string, unknown>>();

/** The smallest service provider that answers the requests of Okta's client. */
async function startProvider(): Promise<string> {
  provider = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      const { method = '', url = '' } = incoming;
      const body = text === '' ? null : (JSON.parse(text) as Record<string, unknown>);
      received.push({ method, url, headers: incoming.headers, body });
      const id = /\/Users\/([^?]+)/.exec(url)?.[1];
      const reply = (status: number, value: unknown): void =>
        void outgoing
          .writeHead(status, { 'content-type': 'application/scim+json' })
          .end(JSON.stringify(value));
      if (method === 'POST') {
        const { password: _password, ...kept } = body ?? {};
        accounts.set('scim_1', { ...kept, id: 'scim_1' });
        return reply(201, accounts.get('scim_1'));
      }
      if (id !== undefined)
        return reply(200, method === 'GET' ? accounts.get(id) : { ...accounts.get(id), ...body, id });
      const Resources = [...accounts.values()];
      return reply(200, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: Resources.length,
        startIndex: 1,
        itemsPerPage: Resources.length,
        Resources,
      });
    })();
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  return `http://127.0.0.1:${(provider.address() as AddressInfo).port}/scim/v2`;
}

const shapes = (): string[] => received.map((each) => `${each.method} ${decodeURIComponent(each.url)}`);
const lifecycle = async (operation: string): Promise<number> =>
  (
    await fetch(`${sim.url}/api/v1/users/${ann}/lifecycle/${operation}`, {
      method: 'POST',
      headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}` },
    })
  ).status;

beforeEach(async () => {
  received = [];
  accounts.clear();
  sim = await startOktaSimulator();
  sim.scim.configure({
    baseUrl: await startProvider(),
    authorization: 'Bearer tnt_1:mk_live_1',
    style: 'oin',
  });
});
afterEach(async () => {
  await sim.close();
  provider.close();
});

describe("Okta's SCIM client", () => {
  test('assigns by a look-up and a POST with the Okta id as externalId, under its own headers', async () => {
    const exchanges = await sim.scim.provision(ann);
    expect(shapes()).toEqual([
      'GET /scim/v2/Users?filter=userName eq "ann@acme.example"&startIndex=1&count=100',
      'POST /scim/v2/Users',
    ]);
    expect(received[1]?.headers).toMatchObject({
      'user-agent': 'Okta SCIM Client 1.0.0',
      accept: 'application/scim+json',
      'content-type': 'application/scim+json; charset=utf-8',
      authorization: 'Bearer tnt_1:mk_live_1',
    });
    expect(received[1]?.body).toMatchObject({
      userName: 'ann@acme.example',
      externalId: ann,
      active: true,
      groups: [],
      password: expect.any(String) as unknown,
    });
    expect(JSON.stringify(exchanges)).not.toMatch(/mk_live|password/);
    expect(exchanges.map((each) => each.status)).toEqual([200, 201]);
  });

  test('takes over an account that is there with a PUT of the whole', async () => {
    accounts.set('scim_7', { id: 'scim_7', userName: 'ann@acme.example', meta: { version: '3' } });
    await sim.scim.provision(ann);
    expect(shapes()[1]).toBe('PUT /scim/v2/Users/scim_7');
    expect(received[1]?.body).toMatchObject({
      id: 'scim_7',
      externalId: ann,
      meta: { version: '3' },
      active: true,
    });
  });

  test('an OIN app is told of a deactivation by a PATCH without a path; suspending sends nothing', async () => {
    await sim.scim.provision(ann);
    received.length = 0;
    expect(await lifecycle('suspend')).toBe(200);
    await sim.scim.idle();
    expect(received).toEqual([]);
    expect(await lifecycle('deactivate')).toBe(200);
    await sim.scim.idle();
    expect(shapes()).toEqual(['PATCH /scim/v2/Users/scim_1']);
    expect(received[0]?.body).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', value: { active: false } }],
    });
  });

  test('a custom app is told by a GET and a PUT', async () => {
    sim.scim.configure({ ...sim.org.scimTarget!, style: 'aiw' });
    await sim.scim.provision(ann);
    received.length = 0;
    await sim.scim.deactivate(ann);
    expect(shapes()).toEqual(['GET /scim/v2/Users/scim_1', 'PUT /scim/v2/Users/scim_1']);
    expect(received[1]?.body).toMatchObject({ id: 'scim_1', active: false });
  });

  test('a person who was never provisioned is nobody to deactivate', async () => {
    await lifecycle('deactivate');
    await sim.scim.idle();
    expect(received).toEqual([]);
  });
});

describe('the recording proxy', () => {
  test('reports an unknown parameter, a missing one, an unknown operation and an answer that breaks the schema', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'okta-spec-'));
    const file = join(folder, 'spec.yaml');
    await writeFile(file, SPEC);
    const proxy = await startRecordingProxy(sim.url, await loadOktaSpec(file));
    const headers = { authorization: `SSWS ${SANDBOX_API_TOKEN}` };
    await fetch(`${proxy.url}/api/v1/users/${ann}?colour=red`, { headers });
    await fetch(`${proxy.url}/api/v1/groups`, { headers });
    await proxy.close();
    expect([...(proxy.reports.get('GET /api/v1/users/{id}')?.problems ?? [])]).toEqual([
      'required query parameter size is missing',
      'unknown query parameter colour',
      'answer 200: /status must be equal to one of the allowed values ["GONE"]',
    ]);
    expect([...(proxy.reports.get('GET /api/v1/groups')?.problems ?? [])]).toEqual([
      'the specification has no such operation',
    ]);
    await rm(folder, { recursive: true });
  });
});

const SPEC = `
openapi: 3.0.3
paths:
  /api/v1/users/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: getUser
      parameters: [{ name: size, in: query, required: true, schema: { type: integer } }]
      responses:
        '200': { content: { application/json: { schema: { $ref: '#/components/schemas/User' } } } }
components:
  schemas:
    User:
      type: object
      properties: { status: { type: string, enum: [GONE] }, activated: { type: string, format: date-time, nullable: true } }
`;
