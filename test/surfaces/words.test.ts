import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mcpSurface, type McpSurface } from '#surfaces/mcp/index.ts';
import { restSurface, type RestSurface } from '#surfaces/rest/index.ts';
import { withAgents, type AgentWorld } from '../support/agents.ts';
import { openWorld } from '../support/world.ts';

/** What a refused agent or API key reads, at every interface for them. */

let world: AgentWorld;
let rest: RestSurface;
let mcp: McpSurface;
beforeAll(async () => {
  world = await withAgents(await openWorld());
  rest = restSurface(world.app, world.kernel);
  mcp = mcpSurface(world.app, world.kernel, { holdMs: 0 });
});
afterAll(async () => {
  await mcp.close();
  await world.close();
});

type Body = Record<string, unknown>;

async function restUse(token: string, tool: string, input: unknown): Promise<{ status: number; body: Body }> {
  const response = await rest.fetch(
    new Request(`${world.app.baseUrl}/v1/tools/${tool}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    }),
  );
  return { status: response!.status, body: (await response!.json()) as Body };
}

async function mcpUse(name: string, input: unknown, path = '/mcp'): Promise<Body> {
  const response = await mcp.fetch(
    new Request(`${world.app.baseUrl}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
        authorization: `Bearer ${await world.bearer()}`,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name,
          arguments: input,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
            progressToken: 7,
          },
        },
      }),
    }),
  );
  const { result } = (await response!.json()) as { result: { structuredContent: Body } };
  return result.structuredContent;
}

describe('a refusal', () => {
  test('of the kill switch names only those who could stop what was named', async () => {
    const person = await world.actor('nina');
    const { mandateId } = await world.helper('bob');
    const words = async (target: string): Promise<string> => {
      const outcome = await world.as(person, 'freeze_preview', { target });
      if (outcome.status !== 'denied') throw new Error(JSON.stringify(outcome));
      return outcome.denial.message;
    };
    expect(await words('organisation')).toContain('This is allowed for: IT admins. Ask');
    expect(await words(world.ids.ann)).toContain(
      'This is allowed for: the person, their manager, IT admins. Ask',
    );
    expect(await words(mandateId)).toContain(
      "This is allowed for: the principal, the agent's owner, the principal's manager, IT admins. Ask",
    );
  });

  test('of an API key says that it is a key, and which scope it lacks', async () => {
    const { status, body } = await restUse(await world.apiKey(['okta_find_user']), 'scope_list', {});
    expect([status, body['code']]).toEqual([403, 'no_policy_allows']);
    expect(body['detail']).toBe(
      'This API key does not have the scope scope_list. Two IT admins can grant it in Slack: /apikey grant.',
    );
    expect(body['outcome']).toMatchObject({ missing: { api_key: { scope: 'scope_list' } } });
  });

  test.each(['/mcp', '/mcp/readonly', '/mcp/x/okta'])(
    'at %s of a tool for people comes before anything about its input, the mandate or the address, and says where people use it',
    async (path) => {
      const before = (await world.ledger()).length;
      for (const input of [{ nonsense: 1 }, {}, { target: world.ids.ann }]) {
        expect(await mcpUse('freeze_apply', input, path)).toMatchObject({
          status: 'denied',
          code: 'not_for_agents',
          reason: expect.stringMatching(/^Only people can use .* in Slack with \/freeze now\.$/) as string,
          retryable: false,
        });
      }
      expect((await world.ledger()).slice(before).map(({ event, data }) => [event, data['code']])).toEqual(
        Array.from({ length: 3 }, () => ['CALL_DENIED', 'not_for_agents']),
      );
    },
  );

  test('of what governs says so at once as well: no mandate that the principal could give would help', async () => {
    expect(await mcpUse('mandate_create', { nonsense: 1 })).toMatchObject({
      status: 'denied',
      code: 'forbidden_by_policy',
      reason: expect.stringMatching(
        /^Governance is for people.* A person can do it in Slack with \/mandate create\.$/,
      ) as string,
    });
  });

  test('that explain_access tells ahead is the same', async () => {
    const answer = await mcpUse('explain_access', { tool: 'agent_register' });
    expect(answer['result']).toMatchObject({ allowed: false, denial: { code: 'not_for_agents' } });
  });
});

describe('an input that does not fit', () => {
  const problems = async (tool: string, input: Body) => (await mcpUse(tool, input))['problems'];

  test('is told by field, with what to send', async () => {
    expect(await problems('okta_reset_mfa', {})).toEqual([
      {
        field: 'person',
        problem: 'is required; send a string (Person whose factors to remove: person ID or work email)',
      },
    ]);
    expect(await problems('okta_reset_mfa', { person: 7 })).toEqual([
      {
        field: 'person',
        problem: 'must be a string, not a number (Person whose factors to remove: person ID or work email)',
      },
    ]);
    expect(await problems('okta_reset_mfa', { person: world.ids.ann, reason: 'x'.repeat(501) })).toEqual([
      { field: 'reason', problem: 'can have at most 500 characters; 501 were sent' },
    ]);
    expect(await problems('mandate_list', { state: 'asleep' })).toEqual([
      { field: 'state', problem: expect.stringMatching(/^must be one of active, /) as string },
    ]);
  });

  test('holds at REST too, in query and body', async () => {
    const key = await world.apiKey(['calls.read', 'okta_find_user']);
    const response = await rest.fetch(
      new Request(`${world.app.baseUrl}/v1/calls?limit=many&satte=waiting`, {
        headers: { authorization: `Bearer ${key}` },
      }),
    );
    expect(await response!.json()).toMatchObject({
      status: 400,
      problems: [
        { field: 'limit', problem: 'must be a number (Maximum number of items to return)' },
        { field: 'satte', problem: 'unknown field; did you mean state?' },
      ],
    });
    expect((await restUse(key, 'okta_find_user', { query: ['Ann'] })).body).toMatchObject({
      status: 400,
      problems: [
        { field: 'query', problem: expect.stringMatching(/^must be a string, not a list/) as string },
      ],
    });
  });

  test('because of a name that the tool does not have is refused with the nearest, and nothing is asked or done', async () => {
    const calls = async () => (await world.sql`select id from calls`).length;
    const before = await calls();
    expect(await problems('okta_reset_mfa', { person: world.ids.ann, reson: 'lost' })).toEqual([
      { field: 'reson', problem: 'unknown field; did you mean reason?' },
    ]);
    expect(
      await problems('mandate_delegate', {
        agent: 'x',
        scopes: ['okta.mfa.reset'],
        purpose: 'a part',
        expires: 1,
      }),
    ).toContainEqual({
      field: 'expires',
      problem: expect.stringMatching(/^unknown field/) as string,
    });
    const bob = await world.actor('bob');
    const asked = {
      agent: 'x',
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      purpose: 'a window',
      window: { days: [1], from: '09:00', to: '17:00', timezone: 'Europe/Vienna', untill: '2026-12-01' },
    };
    await expect(world.as(bob, 'mandate_create', asked)).rejects.toMatchObject({
      code: 'invalid_input',
      detail: { problems: [{ field: 'window.untill' }] },
    });
    expect(await calls()).toBe(before);
  });

  test('is not what belongs to the protocol, nor the reason that goes with the call that is only asked about', async () => {
    const found = await mcpUse('okta_find_user', { query: 'Ann' });
    expect(found).toMatchObject({ status: 'done' });
    const explained = await mcpUse('explain_access', {
      tool: 'okta_reset_mfa',
      input: { person: world.ids.ann, reason: 'Ann has lost her phone' },
    });
    expect(explained['result']).toMatchObject({ allowed: true });
  });
});
