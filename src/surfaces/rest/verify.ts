import { peopleOf } from '#engine/decide/decide.ts';
import { freshen } from '#engine/read-person.ts';
import type { z } from 'zod';
import type { AgentActor } from '#domain/actor.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { findResourceServer } from '#domain/resource/store.ts';
import { lockMandates, mandateChain } from '#domain/mandate/store.ts';
import { lockParties } from '#domain/verify/lock.ts';
import { claimKey, keepAnswer } from '#domain/verify/store.ts';
import { spendUseOf } from '#domain/mandate/uses.ts';
import type { App } from '#engine/app.ts';
import {
  decidingIn,
  decidingNow,
  verifyFor,
  type Checked,
  type Deciding,
  type Verdict,
  type VerifyReason,
} from '#engine/decide/verify.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';
import { readonly, transact } from '#engine/transact.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { readOrFault } from '#lib/problems.ts';
import { canonicalJson } from '#lib/json.ts';
import type { Caller, Kernel } from './authenticate.ts';
import { VerifyBatch, VerifyCheck, type VerifyAnswer } from './verify-check.ts';
import { prepareCheck, scopeOf } from './verify-what.ts';
import { byName, byToken, type Candidates } from './verify-who.ts';

/**
 * `POST /v1/verify`: one check, or several as `{checks: […]}`, in order. Every check is written to the ledger
 * before it is answered. Does not check for the scope `verify`; the route does.
 *
 * Throws Fault `unavailable`, and never allows, if the database is gone or the provider must be asked and
 * does not answer. A resource server's key may ask only about its own tokens and scopes; otherwise it throws
 * Fault `forbidden`.
 */
export async function verify(
  app: App,
  kernel: Kernel,
  caller: Caller,
  body: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<VerifyAnswer | { results: VerifyAnswer[] }> {
  const asking = { app, kernel, caller, signal, about: await scopesOfKey(app, caller) };
  if (body['checks'] === undefined) return checkOne(asking, parsed(VerifyCheck, body));
  const { checks } = parsed(VerifyBatch, body);
  const results: VerifyAnswer[] = [];
  for (const check of checks) results.push(await checkOne(asking, check));
  return { results };
}

interface Asking {
  readonly app: App;
  readonly kernel: Kernel;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** The scopes that the caller's key may ask about. Null: all. */
  readonly about: readonly string[] | null;
}

/**
 * A resource server may ask about the scopes that it has now. Null if the key belongs to no resource server.
 */
async function scopesOfKey(app: App, { tenantId, keyResource }: Caller): Promise<readonly string[] | null> {
  if (keyResource === null) return null;
  const server = await readonly(app, tenantId, (reader) => findResourceServer(reader, keyResource));
  return server?.scopes ?? [];
}

async function checkOne(asking: Asking, check: VerifyCheck): Promise<VerifyAnswer> {
  const { app, kernel, caller } = asking;
  const { tenantId } = caller;
  const scope = scopeOf(app, check);
  if (asking.about?.includes(scope) === false)
    throw new Fault(
      'forbidden',
      `This API key is for ${caller.keyResource} and can only check its scopes: ${asking.about.join(', ') || 'it is no longer registered, so there are none'}.`,
    );
  const candidates =
    check.token === undefined
      ? await byName(app, tenantId, check, scope)
      : refuseOtherMandate(await byToken(kernel, app.baseUrl, caller, check.token), check);
  const noted = async ({ verdict, actor }: Judged): Promise<VerifyAnswer> => {
    const answer = answerOf(verdict, actor, false);
    await app.ledgerBatch.add(tenantId, entryOf(caller, check, scope, answer));
    return answer;
  };
  if ('refused' in candidates) return noted(refusal(candidates.refused, candidates.message, null));
  const { actors } = candidates;
  const checked = await prepareCheck(asking, actors[0], check);
  if (checked.kind === 'nothing') return noted(refusal('OUTSIDE_MANDATE', checked.message, actors[0]));
  const people = peopleOf(actors[0], checked.kind === 'tool' ? checked.targets : []);
  if (check.count_use) {
    await freshen(app, tenantId, people);
    return countUse(asking, check, scope, actors, checked);
  }
  const judged = await firstAllowed(decidingNow(app, tenantId), actors, checked);
  // The denial may only mean that somebody's directory data was too old.
  if (judged.verdict.allowed || !(await freshen(app, tenantId, people))) return noted(judged);
  return noted(await firstAllowed(decidingNow(app, tenantId), actors, checked));
}

const refusal = (reason: VerifyReason, message: string, actor: AgentActor | null): Judged => ({
  verdict: { allowed: false, reasons: [reason], message, missing: null },
  actor,
});

interface Judged {
  readonly verdict: Verdict;
  /** Null if there was nobody to decide for. */
  readonly actor: AgentActor | null;
}

/** The verdict of the first mandate that allows it, or else that of the most likely one. */
async function firstAllowed(
  deciding: Deciding,
  actors: readonly [AgentActor, ...AgentActor[]],
  checked: Checked,
): Promise<{ verdict: Verdict; actor: AgentActor }> {
  const [likeliest] = actors;
  const first = { verdict: await verifyFor(deciding, likeliest, checked), actor: likeliest };
  if (first.verdict.allowed) return first;
  for (const actor of actors.slice(1)) {
    const verdict = await verifyFor(deciding, actor, checked);
    if (verdict.allowed) return { verdict, actor };
  }
  return first;
}

/**
 * Decides and counts in one transaction, with the mandates locked. Concurrent checks never get more uses than
 * are left.
 */
async function countUse(
  { app, caller }: Asking,
  check: VerifyCheck,
  scope: string,
  actors: readonly [AgentActor, ...AgentActor[]],
  checked: Checked,
): Promise<VerifyAnswer> {
  const keyId = caller.actor.kind === 'service' ? caller.actor.keyId : '';
  const key = sha256(`${keyId}\n${check.idempotency_key ?? ''}`);
  const digest = sha256(
    canonicalJson({ ...check, token: check.token === undefined ? null : sha256(check.token) }),
  );
  return transact(app, caller.tenantId, async (ctx) => {
    const before = await claimKey(ctx, key, digest);
    if (before !== null) return before as VerifyAnswer;
    await lockAll(ctx, actors);
    const { verdict, actor } = await firstAllowed(decidingIn(app, ctx), actors, checked);
    const counts = verdict.allowed && scope !== IMPLIED_SCOPE;
    if (counts) await spendUseOf(ctx, actor.mandateId);
    const answer = answerOf(verdict, actor, counts);
    await keepAnswer(ctx, key, answer);
    ctx.record(entryOf(caller, check, scope, answer));
    return answer;
  });
}

/**
 * Locks people and agents first (shared), then the mandates with all above them, in the order of every
 * decision and revocation.
 */
async function lockAll(ctx: TenantWriter, actors: readonly AgentActor[]): Promise<void> {
  await lockParties(
    ctx,
    actors.map((actor) => actor.personId),
    actors.map((actor) => actor.agentId),
  );
  const ids = new Set<string>();
  for (const actor of actors) for (const id of await mandateChain(ctx, actor.mandateId)) ids.add(id);
  await lockMandates(ctx, [...ids]);
}

/** A check may repeat the token's mandate, but not name another one. */
function refuseOtherMandate(token: Candidates, check: VerifyCheck): Candidates {
  if ('refused' in token || check.mandate_id === undefined || token.actors[0].mandateId === check.mandate_id)
    return token;
  return { refused: 'NO_MATCHING_MANDATE', message: 'The token belongs to another mandate.' };
}

function answerOf(verdict: Verdict, actor: AgentActor | null, isCounted: boolean): VerifyAnswer {
  return {
    decision: verdict.allowed ? 'allow' : 'deny',
    reasons: verdict.allowed ? [] : [...verdict.reasons],
    message: verdict.allowed ? null : verdict.message,
    mandate_id: actor?.mandateId ?? null,
    agent_id: actor?.agentId ?? null,
    principal_id: actor?.personId ?? null,
    missing: verdict.allowed ? null : verdict.missing === null ? null : { ...verdict.missing },
    counted: isCounted,
  };
}

const entryOf = (caller: Caller, check: VerifyCheck, scope: string, answer: VerifyAnswer): NewEntry => ({
  event: 'VERIFIED',
  actor: caller.actor.kind === 'service' ? caller.actor.name : 'prokura',
  data: {
    decision: answer.decision,
    reasons: answer.reasons,
    action: scope,
    tool: check.tool,
    resource: check.resource,
    amount: check.amount,
    currency: check.currency,
    mandate_id: answer.mandate_id,
    agent: answer.agent_id,
    principal: answer.principal_id,
    counted: answer.counted,
  },
});

const parsed = <S extends z.ZodType>(schema: S, body: unknown): z.infer<S> =>
  readOrFault(schema, body, 'The check is invalid');
