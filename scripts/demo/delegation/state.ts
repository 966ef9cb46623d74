import { samplePerson } from '#sandbox/company.ts';
import type { Scene } from '../scene.ts';
import { oktaToken, type DemoAgent } from '../wire.ts';

/** What later steps of the delegation story need of earlier ones. */
export interface State {
  /** Carl's agent, to which Bob gives a mandate. */
  agent: DemoAgent;
  mandate: string;
  /** Ann's agent, to which Carl's agent hands a part of it on. */
  helper: DemoAgent;
  part: string;
  /** Faye's agent, for what another system asks. */
  payer: DemoAgent;
  invoices: string;
  /** An API key for another system, and one for the rules. */
  verifyKey: string;
  rulesKey: string;
}

/** Bob's own Okta token, as the agent's developer would get it from his sign-in. */
export const bobsToken = (scene: Scene): Promise<string> =>
  oktaToken(scene.instance, samplePerson('bob').email);

/** A delegation token for Bob's mandate; rejects with the refusal. */
export async function tokenOf(scene: Scene, agent: DemoAgent, mandate: string): Promise<string> {
  const { status, body } = await agent.exchange(await bobsToken(scene), mandate);
  if (status !== 200) throw new Error(`no token: HTTP ${status} ${JSON.stringify(body)}`);
  return String(body['access_token']);
}

/** How the MCP endpoint answers a token: 401 where it is dead. */
export async function knock(scene: Scene, token: string): Promise<number> {
  const response = await fetch(`${scene.instance.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  });
  await response.body?.cancel();
  return response.status;
}
