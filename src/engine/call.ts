import { actorName, isThroughAgent } from '#domain/actor.ts';
import { FINAL_STATES, type CallError } from '#domain/call/call.ts';
import type { Repeatable } from '#domain/call/repeats.ts';
import type { Call } from '#domain/call/store.ts';
import type { Denial } from '#domain/denial.ts';
import { asFault, Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { awaitOutcome, mustFind } from './await-outcome.ts';
import { ledgerData, type Asked, type CallRequest } from './asked.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { act, write } from './change.ts';
import { decideNow, fallenSince, peopleOf } from './decide/decide.ts';
import { NO_ROLES } from './decide/entities.ts';
import { lacksScope, policiesOf } from './decide/given.ts';
import { notForAgents } from './decide/not-for-agents.ts';
import { deny, Outdated } from './deny.ts';
import { parseInput } from './explain.ts';
import { look } from './look.ts';
import type { Outcome } from './outcome.ts';
import { referenceFields, resolveReferences } from './references.ts';
import { Repeated, repeatableOf, repeatedCall } from './repeat.ts';
import { TENANT_TARGET } from './tool.ts';
import { savedQuestion } from './saved-call.ts';
import { freshen } from './read-person.ts';
import { readonly } from './transact.ts';

/**
 * The single entry point for every use of a tool, from every interface. Parses the input, resolves references
 * and decides. Then it reads, writes, or enqueues the job that acts; where policy requires approval, it asks
 * for that first. Before it answers it writes a ledger entry, for denials and failures as well.
 *
 * Throws Fault `not_found` (unknown tool or reference), `invalid_input` (`detail.problems`), and what the
 * tool itself throws.
 */
export async function call(app: App, request: CallRequest): Promise<Outcome> {
  const entry = app.catalogue.get(request.tool);
  if (entry === undefined)
    throw new Fault(
      'not_found',
      `There is no tool "${request.tool.slice(0, 60)}". List the tools to see which exist.`,
    );
  const barred = notForAgents(app.policies, entry, request.actor);
  if (barred !== null) return deny({ app, request, entry, input: {}, targets: TENANT_TARGET }, barred);
  // Before names are resolved: the earlier call may have changed what a name refers to.
  const repeatable = repeatableCall(app, request, entry);
  const earlier = await repeatedCall(app, request.tenantId, repeatable);
  if (earlier !== null) return repeatedOutcome(app, request, entry, earlier);
  const begun = await canonicalInput(app, request, entry);
  if ('denial' in begun)
    return deny({ app, request, entry, input: {}, targets: TENANT_TARGET }, begun.denial);
  const { input } = begun;
  const targets = entry.tool.targets(input);
  const asked: Asked = { app, request, entry, input, targets };
  try {
    try {
      return await use(asked, repeatable);
    } catch (error) {
      if (!(error instanceof Outdated)) throw error;
      await freshen(app, request.tenantId, peopleOf(request.actor, targets));
      return await use({ ...asked, freshened: true }, repeatable);
    }
  } catch (error) {
    if (error instanceof Repeated && error.callId !== null)
      return repeatedOutcome(app, request, entry, error.callId);
    const fault = asFault(error);
    if (fault.code !== 'internal') await recordFailure(asked, fault);
    throw error;
  }
}

/** The request under its idempotency key. Null without a key, and for tools that only read or look. */
function repeatableCall(app: App, request: CallRequest, { tool }: CatalogueEntry): Repeatable | null {
  const { tenantId, actor, idempotencyKey, input, reason = null } = request;
  if (idempotencyKey === undefined || tool.effects === 'read' || tool.effects === 'look') return null;
  return repeatableOf(app, { tenantId, actor, idempotencyKey, request: { tool: tool.name, input, reason } });
}

async function use(asked: Asked, repeatable: Repeatable | null): Promise<Outcome> {
  const { app, request, entry } = asked;
  switch (entry.tool.effects) {
    case 'read':
    case 'look':
      return look(asked);
    case 'write':
      return settledOutcome(app, request, await write(asked, entry.tool, repeatable));
    case 'act':
      return settledOutcome(app, request, await act(asked, entry.tool, repeatable));
  }
}

/**
 * The outcome of the call that this request repeats. Denied if its caller could not ask for it now: their
 * standing, scopes, key or mandate may have been lost since.
 */
async function repeatedOutcome(
  app: App,
  request: CallRequest,
  entry: CatalogueEntry,
  callId: string,
): Promise<Outcome> {
  const { tenantId, actor, waitMs = 0, signal } = request;
  const fallen = await readonly(app, tenantId, async (reader) => {
    const saved = await mustFind(reader, callId);
    const question = savedQuestion(app, saved, NO_ROLES);
    return fallenSince(reader, app.policies, { ...question, entry, actor, anyAge: true });
  });
  if (fallen !== null)
    return deny({ app, request, entry, input: {}, targets: TENANT_TARGET }, withheld(fallen));
  return awaitOutcome(app, tenantId, callId, waitMs, signal);
}

/** The act itself may have landed: nobody may read this as "it was not done". */
const withheld = (fallen: Denial): Denial => ({
  ...fallen,
  message: `An earlier request with this Idempotency-Key was accepted. Its outcome is not shown to you: ${fallen.message}`,
});

/**
 * The input with ids in place of names. Returns a denial instead when the answer is no for any input: then no
 * name is looked up, and the caller need not correct a field first.
 */
async function canonicalInput(
  app: App,
  request: CallRequest,
  entry: CatalogueEntry,
): Promise<{ readonly input: Record<string, unknown> } | { readonly denial: Denial }> {
  const { tenantId, actor } = request;
  try {
    const parsed = parseInput(entry, request.input);
    if (referenceFields(entry).size === 0) return { input: parsed };
    if (lacksScope(entry, actor)) {
      const asking = { entry, actor, targets: TENANT_TARGET, adminRoles: NO_ROLES, anyAge: true } as const;
      const decision = await decideNow(app, tenantId, asking);
      if (!decision.allowed) return { denial: decision.denial };
    }
    return {
      input: await readonly(app, tenantId, (reader) => resolveReferences(reader, entry, actor, parsed)),
    };
  } catch (error) {
    if (!(error instanceof Fault) || !isThroughAgent(actor)) throw error;
    const denial = await readonly(app, tenantId, async (reader) =>
      notForAgents(await policiesOf(app.policies, reader), entry, actor),
    );
    if (denial === null) throw error;
    return { denial };
  }
}

async function settledOutcome(app: App, request: CallRequest, result: Call | Outcome): Promise<Outcome> {
  if ('status' in result) return result;
  return awaitOutcome(
    app,
    request.tenantId,
    result.id,
    FINAL_STATES.has(result.state) ? 0 : (request.waitMs ?? 0),
    request.signal,
  );
}

async function recordFailure(asked: Asked, fault: Fault): Promise<void> {
  const { app, request } = asked;
  const error: CallError = { code: fault.code, message: fault.message };
  const event = fault.code === 'forbidden' ? 'CALL_DENIED' : 'CALL_FAILED';
  await app.ledgerBatch.add(request.tenantId, {
    event,
    actor: actorName(request.actor),
    data: { ...ledgerData(asked, null), code: error.code, provider: fault.detail.provider },
  });
}
