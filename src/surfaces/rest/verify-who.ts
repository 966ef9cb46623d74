import type { AgentActor } from '#domain/actor.ts';
import { reach } from '#db/reach.ts';
import { audiencesOfKey } from '#domain/token/grant/resource.ts';
import { namedMandates, type NamedMandate } from '#domain/verify/candidates.ts';
import type { App } from '#engine/app.ts';
import { tokenReason, type VerifyReason } from '#engine/decide/verify.ts';
import { parseJwt } from '#lib/jwt.ts';
import type { Caller, Kernel } from './authenticate.ts';
import type { VerifyCheck } from './verify-check.ts';

/** The mandates under which a check may be decided, the most likely first, or why there are none. */
export type Candidates =
  | { readonly actors: readonly [AgentActor, ...AgentActor[]] }
  | { readonly refused: VerifyReason; readonly message: string };

const none = (message: string): Candidates => ({ refused: 'NO_MATCHING_MANDATE', message });

/**
 * The agent that a token belongs to. An invalid token is an answer, not an error; so is the token of a
 * person's client or of another tenant. The token must have an audience that the caller's key is for. Throws
 * errors that are not about the token, such as an unavailable database.
 */
export async function byToken(
  kernel: Kernel,
  baseUrl: string,
  { tenantId, keyResource }: Pick<Caller, 'tenantId' | 'keyResource'>,
  token: string,
): Promise<Candidates> {
  const taken = audiencesOfKey(baseUrl, tenantId, keyResource);
  const named = [parseJwt(token)?.claims['aud']].flat();
  const audience = taken.find((one) => named.includes(one)) ?? taken[0];
  try {
    const verified = await kernel.verify(token, audience, 'relayed');
    if (verified.kind === 'client' || verified.tenantId !== tenantId)
      return { refused: 'TOKEN_INVALID', message: "This is not an agent's token of this organisation." };
    const { agentId, personId, mandateId, scopes, jti, constraints } = verified;
    const details = constraints === null ? {} : { details: constraints };
    return {
      actors: [{ kind: 'agent', surface: 'rest', agentId, personId, mandateId, scopes, jti, ...details }],
    };
  } catch (error) {
    const refused = tokenReason(error);
    return { refused, message: (error as Error).message };
  }
}

// How many mandates of one agent for one principal are tried.
const MAX_TRIED = 50;

/**
 * The mandates that a check may mean, by mandate id or by agent and principal. Mandates with the scope come
 * first, and active ones before others.
 */
export async function byName(
  { database }: Pick<App, 'database'>,
  tenantId: string,
  check: VerifyCheck,
  scope: string,
): Promise<Candidates> {
  const { agent, principal, mandate_id: mandateId } = check;
  const names = {
    ...(agent === undefined ? {} : { agent }),
    ...(principal === undefined ? {} : { principal }),
    ...(mandateId === undefined ? {} : { mandateId }),
  };
  const { agentId, people, mandates } = await reach(namedMandates(database.sql, tenantId, names, MAX_TRIED));
  if (agent !== undefined && agentId === null)
    return none(`There is no agent "${agent}". Use an agent ID (agt_…), or the name it was registered with.`);
  if (principal !== undefined && people.length !== 1)
    return none(`There is no principal "${principal}". Use a person ID (usr_…) or the full work email.`);
  const [principalId] = people;
  const fitting = mandates.filter(
    (mandate) =>
      (agentId === null || mandate.agentId === agentId) &&
      (principalId === undefined || mandate.principalId === principalId),
  );
  const rank = (mandate: NamedMandate) =>
    (mandate.scopes.includes(scope) ? 0 : 4) +
    (mandate.state === 'active' ? 0 : mandate.state === 'frozen' ? 1 : 2);
  const actors = fitting
    .toSorted((a, b) => rank(a) - rank(b))
    .map((mandate): AgentActor => ({
      kind: 'agent',
      surface: 'rest',
      agentId: mandate.agentId,
      personId: mandate.principalId,
      mandateId: mandate.id,
      scopes: mandate.scopes,
      jti: '',
    }));
  const [first, ...rest] = actors;
  return first === undefined
    ? none('This principal has given this agent no mandate. Ask the principal for one.')
    : { actors: [first, ...rest] };
}
