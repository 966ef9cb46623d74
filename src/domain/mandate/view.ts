import { z } from 'zod';
import { findAgent, findAgents, type Agent } from '../agent/store.ts';
import type { TenantReader } from '../context.ts';
import { namesOfPeople } from '../person/names.ts';
import { findPerson } from '../person/store.ts';
import { boundsOf } from './bounds.ts';
import { childMandates, freezeCauses, type Mandate } from './store.ts';
import { describeMandate, namesInResources, untilWords } from './words.ts';

/** A mandate as its parties see it. */
export const MandateView = z.object({
  mandate_id: z.string(),
  state: z.enum(['active', 'frozen', 'revoked', 'expired']),
  reason: z.string().nullable().describe('Why it is frozen or has ended.'),
  causes: z
    .array(z.string())
    .describe('All causes of the freeze. It works again when every cause is lifted.'),
  principal: z.object({ id: z.string(), name: z.string() }),
  agent: z.object({ id: z.string(), name: z.string() }),
  scopes: z.array(z.string()),
  resources: z.array(z.string()),
  tools: z.array(z.string()).nullable(),
  amount: z.number().nullable().describe('Maximum amount per use.'),
  currency: z.string().nullable(),
  window: z
    .object({ days: z.array(z.number()), from: z.string(), to: z.string(), timezone: z.string() })
    .nullable(),
  offline: z.boolean().describe('Whether it works without a fresh sign-in of the principal.'),
  may_delegate: z.number().describe('How many more levels it can be delegated.'),
  parent_id: z.string().nullable().describe('Parent mandate, if this one was delegated from it.'),
  uses: z.number(),
  max_uses: z.number().nullable(),
  purpose: z.string(),
  starts_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});

/**
 * The view with what is only looked up for a single mandate: its description in words and its place in
 * the tree.
 */
export const MandateDetail = MandateView.extend({
  in_words: z.object({ allows: z.string(), forbids: z.string() }),
  tree: z.object({
    parent_id: z.string().nullable(),
    children: z.array(z.string()).describe('Mandates that were delegated from it.'),
  }),
});

/**
 * Makes the view from what was looked up. A mandate whose time is over shows as expired, even if its
 * timer has not run yet.
 */
export function mandateView(
  mandate: Mandate,
  principal: string | null,
  agent: Agent | null,
  causes: readonly string[],
  now: Date,
): z.infer<typeof MandateView> {
  const open = mandate.state === 'active' || mandate.state === 'frozen';
  return {
    mandate_id: mandate.id,
    state: open && mandate.expiresAt <= now ? 'expired' : mandate.state,
    reason: mandate.reason,
    causes: mandate.state === 'frozen' ? [...causes] : [],
    principal: { id: mandate.principalId, name: principal ?? mandate.principalId },
    agent: { id: mandate.agentId, name: agent?.name ?? mandate.agentId },
    scopes: mandate.scopes,
    resources: mandate.resources,
    tools: mandate.tools,
    amount: mandate.amount === null ? null : Number(mandate.amount),
    currency: mandate.currency,
    window: mandate.window === null ? null : { ...mandate.window, days: [...mandate.window.days] },
    offline: mandate.offline,
    may_delegate: mandate.depth,
    parent_id: mandate.parentId,
    uses: mandate.uses,
    max_uses: mandate.maxUses,
    purpose: mandate.purpose,
    starts_at: mandate.startsAt.toISOString(),
    expires_at: mandate.expiresAt.toISOString(),
  };
}

/** Looks up the parties and causes of mandates and makes their views: four statements for any number. */
export async function mandateViews(
  reader: TenantReader,
  rows: readonly Mandate[],
): Promise<z.infer<typeof MandateView>[]> {
  const [causes, names, agents] = await Promise.all([
    freezeCauses(
      reader,
      rows.map((row) => row.id),
    ),
    namesOfPeople(
      reader,
      rows.map((row) => row.principalId),
    ),
    findAgents(
      reader,
      rows.map((row) => row.agentId),
    ),
  ]);
  const agentOf = new Map(agents.map((agent) => [agent.id, agent]));
  return rows.map((row) =>
    mandateView(
      row,
      names.get(row.principalId) ?? null,
      agentOf.get(row.agentId) ?? null,
      causes.get(row.id) ?? [],
      reader.now,
    ),
  );
}

/** Looks up and makes the detailed view of one mandate. */
export async function mandateDetail(
  reader: TenantReader,
  mandate: Mandate,
): Promise<z.infer<typeof MandateDetail>> {
  // In parallel, so that all queries go to the database in one message.
  const [principal, agent, causes, names, children] = await Promise.all([
    findPerson(reader, mandate.principalId),
    findAgent(reader, mandate.agentId),
    freezeCauses(reader, [mandate.id]),
    namesInResources(reader, mandate.resources),
    childMandates(reader, mandate.id),
  ]);
  const ownerId = agent?.ownerId ?? null;
  const owner =
    ownerId === null || ownerId === mandate.principalId ? principal : await findPerson(reader, ownerId);
  return {
    ...mandateView(mandate, principal?.displayName ?? null, agent, causes.get(mandate.id) ?? [], reader.now),
    in_words: describeMandate({
      ...boundsOf(mandate),
      agent: agent?.name ?? mandate.agentId,
      owner: ownerId === null ? '' : (owner?.displayName ?? ownerId),
      principal: { id: mandate.principalId, name: principal?.displayName ?? mandate.principalId },
      lasting: untilWords(mandate.expiresAt),
      names,
    }),
    tree: { parent_id: mandate.parentId, children },
  };
}
