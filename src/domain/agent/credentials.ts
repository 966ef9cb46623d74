import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { newSecret } from '#lib/id.ts';
import { actorName, type Actor } from '../actor.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { CREDENTIALS_CHANGED } from '../mandate/causes.ts';
import { freezeMandates } from '../mandate/freeze.ts';
import { openMandatesForAgent } from '../mandate/trees.ts';
import type { Mandate } from '../mandate/store.ts';
import { causesOf, changeCauses } from './causes.ts';
import type { AgentKey } from './key.ts';
import { claimed } from './spiffe-id.ts';
import type { Agent } from './store.ts';
import { agentKeys, agents } from './tables.ts';

/** The queue whose job retires a key at the end of its grace period. */
export const RETIRE_AGENT_KEY = 'retire-agent-key';

/** A row of `agent_keys`. */
export type StoredKey = typeof agentKeys.$inferSelect;

/** New credentials: the agent's own keys, the address of its JWKS, or the SPIFFE ID of its workload. */
export type NewCredentials =
  | { readonly keys: readonly AgentKey[] }
  | { readonly jwksUrl: string }
  | { readonly spiffeId: string };

/** The parts of new credentials. Parts that they do not have are empty or null. */
export const partsOf = (given: NewCredentials | null) => ({
  keys: given !== null && 'keys' in given ? given.keys : [],
  jwksUrl: given !== null && 'jwksUrl' in given ? given.jwksUrl : null,
  spiffeId: given !== null && 'spiffeId' in given ? given.spiffeId : null,
});

/** The keys of an agent that are not retired, oldest first. */
export async function liveKeys(reader: TenantReader, agentId: string): Promise<StoredKey[]> {
  return reader.db
    .select()
    .from(agentKeys)
    .where(
      and(
        eq(agentKeys.tenantId, reader.tenantId),
        eq(agentKeys.agentId, agentId),
        isNull(agentKeys.revokedAt),
      ),
    )
    .orderBy(agentKeys.createdAt, agentKeys.kid);
}

type Proofs = Pick<Agent, 'jwksUrl' | 'secretHash' | 'spiffeId'>;
type KeyName = Pick<StoredKey, 'alg' | 'kid'>;

/** How an agent authenticates, in words: without secrets and without their hashes. */
export function credentialKinds(agent: Proofs, keys: readonly KeyName[]): string[] {
  return [
    ...(agent.jwksUrl === null ? [] : [`keys published at ${agent.jwksUrl}`]),
    ...(agent.jwksUrl === null ? keys.map((key) => `${key.alg} key ${key.kid}`) : []),
    ...(agent.secretHash === null ? [] : ['a generated secret']),
    ...(agent.spiffeId === null ? [] : [`SPIFFE ID ${agent.spiffeId}`]),
  ];
}

/** A note that an agent cannot authenticate yet, and what to do; null if it can. */
export const unproven = (
  agent: Proofs & Pick<Agent, 'id' | 'name'>,
  keys: readonly KeyName[],
): string | null =>
  credentialKinds(agent, keys).length > 0
    ? null
    : `The agent cannot authenticate yet because it has no key. Add one with /agent rotate ${agent.name}, or generate a secret with POST /v1/agents/${agent.id}/secret.`;

/**
 * Gives an agent new credentials. The old ones are retired at once. Only if new keys replace old keys, the
 * old keys stay valid for `graceHours`; a durable timer then retires them. There is no grace for an agent
 * whose rotation is due, because an earlier owner may still hold the old keys. Freezes other people's
 * mandates until each principal confirms, and returns them. The caller must have locked `agent` for update.
 * Fault `conflict` if nothing would change, if a key was retired before, or if another agent got the SPIFFE
 * ID in the meantime.
 */
export async function rotateCredentials(
  ctx: TenantWriter,
  agent: Agent,
  given: NewCredentials,
  graceHours: number,
  by: Actor,
): Promise<Mandate[]> {
  const old = await liveKeys(ctx, agent.id);
  const { keys: fresh, jwksUrl, spiffeId } = partsOf(given);
  const known = new Set(old.map((key) => key.kid));
  const same =
    'keys' in given
      ? fresh.every((key) => known.has(key.kid))
      : old.length === 0 && jwksUrl === agent.jwksUrl && spiffeId === agent.spiffeId;
  if (same)
    throw new Fault('conflict', 'The agent already has these credentials. Create new ones.', {
      field: 'keys' in given ? 'public_key' : jwksUrl === null ? 'spiffe_id' : 'jwks_url',
    });
  const due = causesOf(agent).includes('rotation_due');
  if (due && fresh.some((key) => known.has(key.kid)))
    throw new Fault(
      'conflict',
      'One of these keys is older than the last change of owner, so someone else may still hold it. Give only new keys.',
      { field: 'public_key' },
    );
  await saveKeys(ctx, agent.id, fresh);
  const retiring = old.filter((key) => !fresh.some((one) => one.kid === key.kid)).map((key) => key.kid);
  const later = 'keys' in given && graceHours > 0 && !due ? graceHours : 0;
  if (later === 0) await retireKeys(ctx, agent.id, retiring);
  else {
    const at = new Date(ctx.now.getTime() + later * 3_600_000);
    for (const kid of retiring) ctx.enqueue(RETIRE_AGENT_KEY, { agent: agent.id, kid }, at);
  }
  await claimed(setOther(ctx, agent, { jwksUrl, spiffeId, secretHash: null }));
  return changed(ctx, agent, by, {
    kids: fresh.map((key) => key.kid),
    ...(jwksUrl === null ? {} : { jwks_url: jwksUrl }),
    ...(spiffeId === null ? {} : { spiffe_id: spiffeId }),
    retired: retiring,
    grace_hours: later,
  });
}

/**
 * Creates a secret of 256 random bits for an agent that cannot sign. It replaces all other credentials. The
 * secret is only in the answer; the row holds its SHA-256. The caller must have locked `agent` for update.
 */
export async function generateSecret(ctx: TenantWriter, agent: Agent, by: Actor): Promise<string> {
  const secret = `ags_${newSecret()}`;
  const retired = (await liveKeys(ctx, agent.id)).map((key) => key.kid);
  await retireKeys(ctx, agent.id, retired);
  await setOther(ctx, agent, { secretHash: sha256(secret), jwksUrl: null, spiffeId: null });
  await changed(ctx, agent, by, { secret: 'generated', retired, grace_hours: 0 });
  return secret;
}

/**
 * Retires a key whose grace period is over and raises the agent's epoch. Does nothing if the key is retired
 * or unknown.
 */
export async function retireKeyNow(ctx: TenantWriter, agent: Agent, kid: string): Promise<void> {
  if ((await retireKeys(ctx, agent.id, [kid])) === 0) return;
  await setOther(ctx, agent, {});
  ctx.record({ event: 'AGENT_KEY_ROTATED', actor: 'prokura', data: { agent: agent.id, retired: [kid] } });
}

/**
 * Freezes mandates after a change of an agent's keys, their address or its owner, until each principal
 * confirms, and withdraws the calls that wait on them. `spared` is the person whose own mandates continue
 * because nothing changed between them and the agent: the one who made the new keys, or the agent's new
 * owner; null: nobody. Returns the mandates that it froze directly. The caller must have locked `agent` for
 * update.
 */
export async function freezeOthersMandates(
  ctx: TenantWriter,
  agent: Agent,
  by: Actor,
  spared: string | null,
): Promise<Mandate[]> {
  const hit = await openMandatesForAgent(ctx, agent.id, spared, 'update');
  const actor = actorName(by);
  const all = await freezeMandates(
    ctx,
    hit.map((mandate) => mandate.id),
    CREDENTIALS_CHANGED,
    actor,
  );
  const mandateIds = all.map((mandate) => mandate.id);
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { mandateIds }), {
    actor,
    reason: 'the credentials or the owner of the agent changed',
  });
  return hit;
}

async function changed(
  ctx: TenantWriter,
  agent: Agent,
  by: Actor,
  what: Record<string, unknown>,
): Promise<Mandate[]> {
  const hit = await freezeOthersMandates(ctx, agent, by, by.kind === 'person' ? by.personId : null);
  await changeCauses(ctx, agent, { lift: ['rotation_due'] });
  ctx.record({
    event: 'AGENT_KEY_ROTATED',
    actor: actorName(by),
    data: { agent: agent.id, ...what, frozen: hit.map((mandate) => mandate.id) },
  });
  ctx.emit({ name: 'agent.changed', thing: agent.id });
  return hit;
}

async function saveKeys(ctx: TenantWriter, agentId: string, keys: readonly AgentKey[]): Promise<void> {
  for (const { kid, alg, publicJwk } of keys) {
    const [known] = await ctx.db
      .select()
      .from(agentKeys)
      .where(
        and(eq(agentKeys.tenantId, ctx.tenantId), eq(agentKeys.agentId, agentId), eq(agentKeys.kid, kid)),
      );
    if (known !== undefined && known.revokedAt !== null)
      throw new Fault(
        'conflict',
        'One of these keys was retired earlier. Retired keys cannot be used again.',
        {
          field: 'public_key',
        },
      );
    if (known === undefined)
      await ctx.db
        .insert(agentKeys)
        .values({ tenantId: ctx.tenantId, agentId, kid, alg, publicJwk, createdAt: ctx.now });
  }
}

async function retireKeys(ctx: TenantWriter, agentId: string, kids: readonly string[]): Promise<number> {
  if (kids.length === 0) return 0;
  const retired = await ctx.db
    .update(agentKeys)
    .set({ revokedAt: ctx.now })
    .where(
      and(
        eq(agentKeys.tenantId, ctx.tenantId),
        eq(agentKeys.agentId, agentId),
        inArray(agentKeys.kid, [...kids]),
        isNull(agentKeys.revokedAt),
      ),
    )
    .returning({ kid: agentKeys.kid });
  return retired.length;
}

async function setOther(
  ctx: TenantWriter,
  agent: Agent,
  other: Partial<Pick<Agent, 'jwksUrl' | 'secretHash' | 'spiffeId'>>,
): Promise<void> {
  await ctx.db
    .update(agents)
    .set({ ...other, epoch: sql`${agents.epoch} + 1`, updatedAt: ctx.now })
    .where(and(eq(agents.tenantId, ctx.tenantId), eq(agents.id, agent.id)));
}
