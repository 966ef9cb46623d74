import type { AgentActor } from '#domain/actor.ts';
import { agentByReference } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findMandate, listMandates } from '#domain/mandate/store.ts';
import { peopleByReference } from '#domain/person/store.ts';
import { audiencesOf } from '#domain/token/names.ts';
import { tokenReason, type VerifyReason } from '#engine/decide/verify.ts';
import { parseJwt } from '#lib/jwt.ts';
import type { Kernel } from './authenticate.ts';
import type { VerifyCheck } from './verify-check.ts';

/** Under which mandates a check may be decided, the likeliest first; or why there are none. */
export type Candidates =
  | { readonly actors: readonly [AgentActor, ...AgentActor[]] }
  | { readonly refused: VerifyReason; readonly message: string };

const none = (message: string): Candidates => ({ refused: 'NO_MATCHING_MANDATE', message });

/**
 * The agent whose token this is. Whatever is wrong with the token is the answer, not an error; a client of a person, and a token
 * of another organisation, are not an agent's. Throws what is not the token's fault: a database that is gone.
 */
export async function byToken(
  kernel: Kernel,
  baseUrl: string,
  tenantId: string,
  token: string,
): Promise<Candidates> {
  const ours = audiencesOf(baseUrl, tenantId);
  const named = [parseJwt(token)?.claims['aud']].flat();
  const audience = ours.find((one) => named.includes(one)) ?? ours[0];
  try {
    const verified = await kernel.verify(token, audience, 'relayed');
    if (verified.kind === 'client' || verified.tenantId !== tenantId)
      return { refused: 'TOKEN_INVALID', message: "This is no agent's token of this organisation." };
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

/** How many mandates of one agent for one principal are tried. */
const MAX_TRIED = 50;

/** The mandates that the check may mean, by mandate, or by agent and principal: those that stand and hold the scope first. */
export async function byName(reader: TenantReader, check: VerifyCheck, scope: string): Promise<Candidates> {
  const agent = check.agent === undefined ? null : await agentByReference(reader, check.agent);
  const people = check.principal === undefined ? [] : await peopleByReference(reader, check.principal);
  if (check.agent !== undefined && agent === null) return none('There is no such agent here.');
  if (check.principal !== undefined && people.length !== 1) return none('There is no such principal here.');
  const [principal] = people;
  const one = check.mandate_id === undefined ? null : await findMandate(reader, check.mandate_id);
  const found =
    check.mandate_id !== undefined
      ? one === null
        ? []
        : [one]
      : await listMandates(reader, {
          agentId: agent?.id ?? '',
          principalId: principal?.id ?? '',
          limit: MAX_TRIED,
        });
  const fitting = found.filter(
    (mandate) =>
      (agent === null || mandate.agentId === agent.id) &&
      (principal === undefined || mandate.principalId === principal.id),
  );
  const rank = (mandate: (typeof found)[number]) =>
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
    ? none('No mandate of this principal for this agent is known here. The principal can give one.')
    : { actors: [first, ...rest] };
}
