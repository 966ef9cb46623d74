import { actorName, isThroughAgent, principalOf } from '#domain/actor.ts';
import { FINAL_STATES, type CallError } from '#domain/call/call.ts';
import type { Repeatable } from '#domain/call/repeats.ts';
import { callUnderWay, insertCall, inTurn, type Call, type NewCall } from '#domain/call/store.ts';
import type { TenantReader, TenantWriter, WriteContext } from '#domain/context.ts';
import type { Denial } from '#domain/denial.ts';
import { asFault, Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';
import { awaitOutcome, mustFind } from './await-outcome.ts';
import { inputDigestOf } from './approve/ask.ts';
import { callDesk } from './approve/desk.ts';
import { wait } from './approve/wait.ts';
import { ledgerData, type Asked, type CallRequest } from './asked.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide, decideNow, fallenSince, peopleOf, targetIds, type Decision } from './decide/decide.ts';
import type { AdminRoles } from './decide/entities.ts';
import { lacksScope, policiesOf } from './decide/given.ts';
import { notForAgents } from './decide/not-for-agents.ts';
import { parseInput, readContext } from './explain.ts';
import { changedSince, foreseenDigest } from './foresee.ts';
import type { Outcome } from './outcome.ts';
import { referenceFields, resolveReferences } from './references.ts';
import { bindRepeat, Repeated, repeatableOf, repeatedCall } from './repeat.ts';
import { TENANT_TARGET, type AnyAct, type AnyWrite } from './tool.ts';
import { adminRolesOf, EXECUTE_CALL, savedQuestion, spendMandateUse } from './saved-call.ts';
import { summaryOf } from './summary.ts';
import { freshen } from './read-person.ts';
import { browse, readonly, transact } from './transact.ts';
import { lookContext } from './world.ts';

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
 * Thrown when nothing was decided because somebody's directory data is too old and was not read again yet.
 */
class Outdated extends Error {}

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

async function look(asked: Asked): Promise<Outcome> {
  const { app, request, entry, input } = asked;
  const { tool } = entry;
  const asking = question(asked, NO_ROLES);
  const answer =
    tool.effects === 'read'
      ? await reading(asked, tool.light === true, async (reader) => {
          const decision = await decide(reader, app.policies, asking);
          const output = passes(decision, tool)
            ? await tool.run(readContext(app, reader, request.actor), input)
            : {};
          return { decision, output };
        })
      : { decision: await decideNow(app, request.tenantId, asking), output: {} };
  if (!passes(answer.decision, tool)) return deny(asked, answer.decision.denial);
  const output =
    tool.effects === 'look'
      ? await tool.run(await lookContext(app, request.tenantId, request.actor, request.signal), input)
      : await finalAnswer(asked, answer.output);
  const callId = newId('call');
  await app.ledgerBatch.add(request.tenantId, {
    event: 'CALL_SUCCEEDED',
    actor: actorName(request.actor),
    data: ledgerData(asked, callId),
  });
  return { status: 'done', callId, output };
}

/** Reads by key at once, and everything else in line. */
const reading = <T>(
  { app, request: { tenantId, signal } }: Asked,
  isLight: boolean,
  work: (reader: TenantReader) => Promise<T>,
): Promise<T> => (isLight ? readonly(app, tenantId, work) : browse(app, tenantId, signal, work));

/**
 * Whether the decision lets a read or a look run. Such tools cannot wait for an approval, so a policy that
 * requires one throws Fault `forbidden`.
 */
function passes(
  decision: Decision,
  tool: CatalogueEntry['tool'],
): decision is Extract<Decision, { allowed: true }> {
  if (decision.allowed && decision.saved.requirements.length > 0)
    throw new Fault(
      'forbidden',
      `A policy requires approval for "${tool.title}", but read-only tools cannot be approved. An administrator must change that policy.`,
    );
  return decision.allowed;
}

/**
 * For a read that waits: repeats it whenever the call it waits for changes. It only reads, so it is not
 * decided again.
 */
async function finalAnswer(
  { app, request, entry: { tool }, input }: Asked,
  first: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  if (tool.effects !== 'read' || tool.waits === undefined) return first;
  const { waits } = tool;
  const callId = waits.on(first);
  if (callId === null) return first;
  let last = first;
  const again = async () => {
    last = await readonly(app, request.tenantId, (reader) =>
      tool.run(readContext(app, reader, request.actor), input),
    );
    return waits.on(last) === null ? last : null;
  };
  return (await app.settled.until(callId, waits.seconds(input) * 1000, again, request.signal)) ?? last;
}

async function write(asked: Asked, tool: AnyWrite, repeatable: Repeatable | null): Promise<Call | Outcome> {
  const { app, request, input } = asked;
  const result = await transact(app, request.tenantId, async (ctx) => {
    await tool.pin?.(ctx, input, request.actor);
    const reading = readContext(app, ctx, request.actor);
    const extra = await tool.context?.(reading, input);
    const decision = await decide(
      ctx,
      app.policies,
      { ...question(asked, NO_ROLES), ...(extra && { extra }) },
      'share',
    );
    if (!decision.allowed) return decision.denial;
    const impact = await tool.preview(reading, input);
    if (request.seen !== undefined && request.seen !== foreseenDigest(app, asked.entry, input, impact))
      throw changedSince();
    const row = await newCall(ctx, asked, decision);
    if (decision.saved.requirements.length > 0)
      return waitOnce(
        ctx,
        repeatable,
        await alongside(ctx, asked, await wait(ctx, asked, row, decision, impact)),
      );
    await bindRepeat(ctx, repeatable, row.id);
    const writer: WriteContext = {
      ...ctx,
      actor: request.actor,
      callId: row.id,
      calls: callDesk(app, ctx),
      policy: reading.policy,
      seal: (plain, about) => app.secrets.seal(plain, about),
    };
    const output = await tool.run(writer, input);
    await spendUse(ctx, asked);
    await insertCall(ctx, { ...row, state: 'succeeded', result: output, settledAt: ctx.now });
    ctx.record({ event: 'CALL_SUCCEEDED', actor: actorName(request.actor), data: ledgerData(asked, row.id) });
    return alongside(ctx, asked, await mustFind(ctx, row.id));
  });
  return 'code' in result ? deny(asked, result) : result;
}

async function act(asked: Asked, tool: AnyAct, repeatable: Repeatable | null): Promise<Call | Outcome> {
  const { app, request, input, targets } = asked;
  // Decide before asking the provider: an actor without authority learns nothing of the target and uses up no
  // rate limit.
  const early = await decideNow(app, request.tenantId, question(asked, NO_ROLES));
  if (!early.allowed) return deny(asked, early.denial);
  const looking = await lookContext(app, request.tenantId, request.actor, request.signal);
  const [before, adminRoles] = await Promise.all([
    tool.observe(looking, input),
    adminRolesOf(looking.directory, targets),
  ]);
  const impact = tool.impact(before, input);
  const result = await transact(app, request.tenantId, async (ctx) => {
    const decision = await decide(ctx, app.policies, question(asked, adminRoles), 'share');
    if (!decision.allowed) return decision.denial;
    const row = await newCall(ctx, asked, decision);
    if (decision.saved.requirements.length > 0)
      return waitOnce(
        ctx,
        repeatable,
        await alongside(ctx, asked, await wait(ctx, asked, row, decision, impact)),
      );
    await inTurn(ctx, row.inputDigest);
    const same = await callUnderWay(ctx, row.inputDigest);
    await bindRepeat(ctx, repeatable, same?.id ?? row.id);
    if (same !== null) return alongside(ctx, asked, same);
    await insertCall(ctx, { ...row, state: 'ready' });
    ctx.enqueue(EXECUTE_CALL, { call: row.id });
    return alongside(ctx, asked, await mustFind(ctx, row.id));
  });
  return 'code' in result ? deny(asked, result) : result;
}

/** Binds a waiting call to the caller's idempotency key. */
async function waitOnce(
  ctx: TenantWriter,
  repeatable: Repeatable | null,
  waiting: Call | Denial,
): Promise<Call | Denial> {
  if ('id' in waiting) await bindRepeat(ctx, repeatable, waiting.id);
  return waiting;
}

/** Runs what the interface commits with the call. A denial saves no call, so it does not run then. */
async function alongside(
  ctx: TenantWriter,
  { request }: Asked,
  saved: Call | Denial,
): Promise<Call | Denial> {
  if (!('code' in saved)) await request.alongside?.(ctx, saved.id);
  return saved;
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

const NO_ROLES: AdminRoles = new Map();

const question = ({ entry, request, input, targets }: Asked, adminRoles: AdminRoles) => ({
  entry,
  actor: request.actor,
  targets,
  adminRoles,
  worth: entry.tool.worth?.(input) ?? null,
});

async function newCall(
  reader: TenantReader,
  { app, request, entry, input, targets }: Asked,
  decision: Decision & { allowed: true },
): Promise<NewCall & { id: string; inputDigest: string; targets: string[] }> {
  const { actor, tenantId } = request;
  return {
    tenantId,
    id: newId('call'),
    tool: entry.tool.name,
    summary: await summaryOf(reader, entry.tool, targets),
    actor,
    principalId: principalOf(actor),
    agentId: actor.kind === 'agent' ? actor.agentId : null,
    mandateId: actor.kind === 'agent' ? actor.mandateId : null,
    targets: targetIds(targets),
    input,
    inputDigest: inputDigestOf(app, { tenantId, tool: entry.tool.name, actor, input }),
    reason: request.reason ?? null,
    state: 'ready',
    decision: decision.saved,
    createdAt: app.now(),
    updatedAt: app.now(),
  };
}

async function spendUse(ctx: TenantWriter, asked: Asked): Promise<void> {
  await spendMandateUse(ctx, asked.request.actor, asked.entry.tool.scope);
}

async function deny(asked: Asked, why: Denial): Promise<Outcome> {
  if (why.code === 'directory_outdated' && asked.freshened !== true) throw new Outdated();
  const { app, request } = asked;
  const callId = newId('call');
  await app.ledgerBatch.add(request.tenantId, {
    event: 'CALL_DENIED',
    actor: actorName(request.actor),
    data: {
      ...ledgerData(asked, callId),
      code: why.code,
      ...(why.policy === undefined ? {} : { policy: why.policy }),
    },
  });
  return { status: 'denied', callId, denial: why };
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
