import type { Actor } from '#domain/actor.ts';
import { actorName } from '#domain/actor.ts';
import type { VerifiedToken } from '#domain/token/kernel.ts';
import type { McpAddress } from '#domain/token/grant/mcp-address.ts';
import type { App } from '#engine/app.ts';
import { envelopeOf } from '#engine/approve/envelope.ts';
import { approvalPage } from '#engine/approve/page.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { call } from '#engine/call.ts';
import { policiesOf } from '#engine/decide/given.ts';
import { notForAgents } from '#engine/decide/not-for-agents.ts';
import type { Outcome } from '#engine/outcome.ts';
import { withoutReason } from '#engine/reason.ts';
import { readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { sanitiseText } from '#lib/sanitise.ts';
import { Answer, type Contract } from './contract.ts';
import { isOffered } from './offered.ts';

/** The caller of a tool: its token, the address, and how long it may wait, in ms. */
export interface Caller {
  readonly delegation: VerifiedToken;
  readonly endpoint: McpAddress;
  readonly holdMs: number;
  readonly signal: AbortSignal;
}

/**
 * The longest answer, in characters of JSON: about 6,000 tokens. A longer list is requested again with a
 * smaller limit.
 */
export const MAX_ANSWER_LENGTH = 20_000;

/**
 * Runs one tool as the engine decides. `signal` ends the waiting, not the call: a change continues if the
 * client goes away. Throws Fault as `call` does.
 */
export async function runTool(
  app: App,
  contract: Contract,
  args: Readonly<Record<string, unknown>>,
  caller: Caller,
): Promise<Answer> {
  const { entry } = contract;
  // A tool that no agent can use is at no address. Let the engine say so.
  if (!isOffered(caller.endpoint, entry) && !(await isBarred(app, contract, caller)))
    return refuseHere(app, contract, caller);
  const { input, reason } = withoutReason(entry, args);
  const looks = entry.tool.effects === 'read' || entry.tool.effects === 'look';
  const request = {
    tenantId: caller.delegation.tenantId,
    actor: actorOf(caller.delegation),
    tool: entry.tool.name,
  };
  if (looks)
    return askFitting(contract, input, async (fields) =>
      draw(app, contract, caller, await call(app, { ...request, input: fields, signal: caller.signal })),
    );

  const until = Date.now() + caller.holdMs;
  const first = await call(app, {
    ...request,
    input,
    ...(reason === undefined ? {} : { reason: sanitiseText(reason) }),
  });
  const open = first.status === 'waiting' || first.status === 'running';
  const left = until - Date.now();
  const outcome =
    open && left > 0 ? await awaitOutcome(app, request.tenantId, first.callId, left, caller.signal) : first;
  return draw(app, contract, caller, outcome);
}

const isBarred = (app: App, { entry }: Contract, { delegation }: Caller): Promise<boolean> =>
  readonly(app, delegation.tenantId, async (reader) => {
    const policies = await policiesOf(app.policies, reader);
    return notForAgents(policies, entry, actorOf(delegation)) !== null;
  });

/** The actor of a verified token. */
export function actorOf(delegation: VerifiedToken): Actor {
  if (delegation.kind === 'client') {
    const { personId, clientId, scopes } = delegation;
    const identity = { matched_by: 'okta_login', client: clientId };
    return { kind: 'person', surface: 'mcp', personId, identity, through: { clientId, scopes } };
  }
  const { agentId, personId, mandateId, scopes, jti, constraints } = delegation;
  const details = constraints === null ? {} : { details: constraints };
  return { kind: 'agent', surface: 'mcp', agentId, personId, mandateId, scopes, jti, ...details };
}

async function draw(app: App, contract: Contract, caller: Caller, outcome: Outcome): Promise<Answer> {
  if (contract.isEnvelope && outcome.status === 'done') return Answer.parse(outcome.output);
  return envelopeOf(
    (id) => approvalPage(app.baseUrl, caller.delegation.tenantId, id),
    (work) => readonly(app, caller.delegation.tenantId, work),
    outcome,
  );
}

/**
 * Repeats a read with a smaller limit if its answer is too long, so `next_cursor` continues where the list
 * ends. Throws Fault `invalid_input` if no smaller limit helps.
 */
async function askFitting(
  { entry }: Contract,
  input: Readonly<Record<string, unknown>>,
  ask: (input: Readonly<Record<string, unknown>>) => Promise<Answer>,
): Promise<Answer> {
  const pages = 'limit' in entry.tool.input.shape;
  let fields = input;
  for (;;) {
    const answer = await ask(fields);
    const length = JSON.stringify(answer).length;
    if (length <= MAX_ANSWER_LENGTH) return answer;
    const limit = Math.max(1, Math.floor((longestList(answer.result) * MAX_ANSWER_LENGTH * 0.9) / length));
    if (!pages || longestList(answer.result) <= 1 || fields['limit'] === limit) {
      throw new Fault(
        'invalid_input',
        `The result has ${length} characters, and the limit is ${MAX_ANSWER_LENGTH}. Request less: a smaller limit, or a single item by its ID.`,
      );
    }
    fields = { ...fields, limit };
  }
}

const longestList = (result: Readonly<Record<string, unknown>> | undefined): number =>
  Math.max(0, ...Object.values(result ?? {}).map((member) => (Array.isArray(member) ? member.length : 0)));

/** Denies a tool that exists but is not at this address. */
async function refuseHere(app: App, contract: Contract, { delegation, endpoint }: Caller): Promise<Answer> {
  const code = 'not_at_this_address';
  const why = endpoint.readOnly
    ? 'This URL offers only read-only tools'
    : `This URL offers only the tools of "${endpoint.toolset}"`;
  await noteDenied(app, contract, delegation, code);
  return {
    status: 'denied',
    call_id: null,
    code,
    reason: `${why}, and ${contract.entry.tool.name} is not one of them. The URL was chosen when this client was set up.`,
    retryable: false,
  };
}

/**
 * Writes the ledger entry of a denial that this interface makes itself, before the engine decides (law 11).
 */
export async function noteDenied(
  app: Pick<App, 'ledgerBatch'>,
  { entry }: Contract,
  delegation: VerifiedToken,
  code: string,
): Promise<void> {
  const actor = actorOf(delegation);
  await app.ledgerBatch.add(delegation.tenantId, {
    event: 'CALL_DENIED',
    actor: actorName(actor),
    data: {
      call_id: null,
      tool: entry.tool.name,
      targets: [],
      surface: 'mcp',
      ...(actor.kind === 'agent' ? { agent: actor.agentId, mandate_id: actor.mandateId } : {}),
      ...(delegation.kind === 'client' ? { client: delegation.clientId } : {}),
      principal: delegation.personId,
      jti: delegation.jti,
      code,
    },
  });
}
