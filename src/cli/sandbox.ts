import { join } from 'node:path';
import { exchangeHttp, jsonObject, platformFetch } from '#client/http.ts';
import { Unusable, type Terminal } from './command.ts';
import { readJson } from './files.ts';

/** A sandbox on this machine, as its own files describe it. */
export interface Sandbox {
  readonly issuer: string;
  /** The id of an agent: the id itself, or its name. Throws Unusable where there is none. */
  agentId(nameOrId: string): Promise<string>;
  /**
   * The id of the newest active mandate that the person gave the agent. Throws Unusable where there is none.
   */
  mandateId(agentId: string, person: string): Promise<string>;
  /** An access token of a person, as their own sign-in at the simulated Okta would give it. */
  subjectToken(login: string): Promise<string>;
}

const START =
  'Start the sandbox first (npm start), in this folder; if it keeps its data elsewhere, set PROKURA_DATA.';
const LIMITS = { timeoutMs: 30_000, maxBytes: 4 * 1024 * 1024 };

/** The folder of the sandbox's files. */
export const sandboxFolder = ({ env }: Terminal): string => env['PROKURA_DATA'] ?? '.prokura';

/**
 * Where a file of an agent is, unless it is named: beside the sandbox's own files, or in the working
 * directory.
 */
export const defaultFile = (terminal: Terminal, sandbox: boolean | undefined, name: string): string =>
  sandbox === true ? join(sandboxFolder(terminal), name) : name;

/**
 * Reads the keys of the sandbox and asks it what a developer would otherwise have to copy by hand. Throws
 * Unusable where there is no sandbox, and ProkuraError where it does not run. There is nothing of the kind
 * for a live server.
 */
export function openSandbox(terminal: Terminal): Sandbox {
  const folder = sandboxFolder(terminal);
  const { issuer, api_keys: keys } = readJson(join(folder, 'sandbox-keys.json'), START) as {
    issuer: string;
    api_keys: { admin: string };
  };
  const { oktaPort } = readJson(join(folder, 'sandbox.json'), START) as { oktaPort: number };
  const base = new URL(issuer).origin;

  const tool = (name: string, input: Record<string, unknown>) =>
    ask(`${base}/v1/tools/${name}`, { method: 'POST', body: JSON.stringify(input) }, keys.admin);

  return {
    issuer,
    agentId: async (nameOrId) => {
      if (nameOrId.startsWith('agt_')) return nameOrId;
      const { result } = (await tool('agent_list', { limit: 100 })) as {
        result: { agents: { agent_id: string; name: string }[] };
      };
      const found = result.agents.find(({ name }) => name === nameOrId);
      if (found !== undefined) return found.agent_id;
      const names = result.agents.map(({ name }) => name).join(', ');
      throw new Unusable(
        `The sandbox has no agent "${nameOrId}". ${names === '' ? 'It has none yet: type /agent register in the simulated Slack, as Dana.' : `It has: ${names}.`}`,
      );
    },
    mandateId: async (agentId, person) => {
      const terms = { agent: agentId, principal: person, state: 'active', limit: 1 };
      const { result } = (await tool('mandate_list', terms)) as {
        result: { mandates: { mandate_id: string }[] };
      };
      const [newest] = result.mandates;
      if (newest !== undefined) return newest.mandate_id;
      throw new Unusable(
        `This agent has no active mandate of ${person}. Type /mandate create in the simulated Slack as that person; if it waits for an approval, approve it there.`,
      );
    },
    subjectToken: async (login) => {
      const body = JSON.stringify({ login, scopes: ['delegation:exchange'] });
      const { token } = await ask(`http://127.0.0.1:${oktaPort}/_sandbox/tokens`, { method: 'POST', body });
      return String(token);
    },
  };
}

async function ask(url: string, init: RequestInit, key?: string): Promise<Readonly<Record<string, unknown>>> {
  const headers = {
    'content-type': 'application/json',
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };
  const answer = await exchangeHttp(platformFetch, url, { ...init, headers }, LIMITS);
  const body = jsonObject(answer.bytes);
  if (answer.status === 200 && body !== null) return body;
  const { title, detail } = (body ?? {}) as { title?: string; detail?: string };
  throw new Unusable(
    `${url} answered ${answer.status}: ${detail ?? title ?? 'nothing that can be read'}. Is this the sandbox of the folder that you named?`,
  );
}
