import { createClient, ProkuraError, type ClientOptions, type ProkuraClient } from '#client/index.ts';
import { samplePerson } from '#sandbox/company.ts';
import type { Scene } from '../scene.ts';
import { jsonOf, oktaToken, type Answer, type DemoAgent } from '../wire.ts';

/** What later steps of the tokens story need of earlier ones. */
export interface State {
  agent: DemoAgent;
  helper: DemoAgent;
  mandate: string;
  offline: string;
  /** A token of the agent that is good until the end of the story. */
  last: string;
  /** The signing key that is being introduced. */
  newKid: string;
  /** What Bob's own MCP client got by the browser. */
  browser: { clientId: string; access: string; refresh: string };
}

/** `prokura/client` as the agent's developer sets it up. */
export const clientOf = (scene: Scene, agent: DemoAgent, more: Partial<ClientOptions> = {}): ProkuraClient =>
  createClient({
    issuer: scene.instance.company.issuer,
    clientId: agent.identity?.id ?? '',
    privateKey: agent.privateJwk(),
    timeoutMs: 60_000,
    ...more,
  });

/** Bob's own Okta token, as the agent's developer would get it from his sign-in. */
export const bobsToken = (scene: Scene): Promise<string> =>
  oktaToken(scene.instance, samplePerson('bob').email);

/** The error that the client throws; rejects where it throws none. */
export async function failure(work: Promise<unknown>): Promise<ProkuraError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProkuraError) return error;
  throw error instanceof Error ? error : new Error('it was not refused');
}

/** A POST of a form to an endpoint below the issuer. */
export const postForm = async (
  scene: Scene,
  path: string,
  form: Record<string, string>,
  authorization?: string,
): Promise<Answer> =>
  jsonOf(
    await fetch(`${scene.instance.company.issuer}${path}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: authorization === undefined ? {} : { authorization },
    }),
  );

/** RFC 7662, with the first administrator's key, which has the scope `introspect`. */
export const introspect = async (scene: Scene, token: string): Promise<Record<string, unknown>> =>
  (await postForm(scene, '/oauth2/introspect', { token }, `Bearer ${scene.instance.company.api_keys.admin}`))
    .body;
