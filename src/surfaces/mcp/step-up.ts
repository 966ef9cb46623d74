import type { VerifiedToken } from '#domain/token/kernel.ts';
import type { App } from '#engine/app.ts';
import { isForClients } from '#engine/client-tools.ts';
import { headerText } from './gate.ts';
import type { Contract } from './contract.ts';
import { isOffered } from './offered.ts';
import { noteDenied, type Caller } from './run-tool.ts';

/**
 * The scope that a person's client lacks for the called tool, if the person could grant it by signing in
 * again. Null if no scope is missing, or if no sign-in would help; then the engine says why. Writes the
 * denial to the ledger (law 11).
 */
export async function lackingScope(
  app: App,
  contracts: ReadonlyMap<string, Contract>,
  caller: Pick<Caller, 'delegation' | 'endpoint'>,
  body: unknown,
): Promise<string | null> {
  const { delegation, endpoint } = caller;
  for (const contract of [body].flat().map((message) => contracts.get(calledTool(message)))) {
    if (contract === undefined || !isForClients(app.policies, contract.entry)) continue;
    const { tool } = contract.entry;
    if (delegation.scopes.includes(tool.scope) || !isOffered(endpoint, contract.entry)) continue;
    await noteDenied(app, contract, delegation, 'scope_not_delegated');
    return tool.scope;
  }
  return null;
}

/** The tool's name in a `tools/call`. Empty for any other message. */
function calledTool(message: unknown): string {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null };
  return method === 'tools/call' && typeof params?.name === 'string' ? params.name : '';
}

/**
 * Asks a person's client to sign in again (RFC 6750 section 3.1, MCP "Scope Challenge Handling"). The
 * challenge lists the missing scope and those that the client has, so that asking for exactly these loses
 * nothing.
 */
export function insufficientScope(
  request: Request,
  metadataUrl: string,
  { scopes }: Pick<VerifiedToken, 'scopes'>,
  lacking: string,
): Response {
  const words = `This client does not have the scope ${lacking}. Sign in again from the client and allow it, or use Slack.`;
  const scheme = /^DPoP /i.test(request.headers.get('authorization') ?? '') ? 'DPoP' : 'Bearer';
  const parts = [
    'error="insufficient_scope"',
    `error_description="${headerText(words)}"`,
    `scope="${[...scopes, lacking].join(' ')}"`,
    `resource_metadata="${metadataUrl}"`,
  ];
  const body = {
    error: 'insufficient_scope',
    error_description: words,
    code: 'scope_not_delegated',
    retryable: false,
  };
  return Response.json(body, {
    status: 403,
    headers: { 'www-authenticate': `${scheme} ${parts.join(', ')}`, 'cache-control': 'no-store' },
  });
}
