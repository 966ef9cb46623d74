import { z } from 'zod';
import type { Agent } from '../agent/store.ts';
import type { Person } from '../person/store.ts';
import type { Mandate } from './store.ts';

/** A mandate as its parties see it. */
export const MandateView = z.object({
  mandate_id: z.string(),
  state: z.enum(['active', 'frozen', 'revoked', 'expired']),
  reason: z.string().nullable().describe('Why it is frozen or has ended.'),
  principal: z.object({ id: z.string(), name: z.string() }),
  agent: z.object({ id: z.string(), name: z.string() }),
  scopes: z.array(z.string()),
  resources: z.array(z.string()),
  tools: z.array(z.string()).nullable(),
  uses: z.number(),
  max_uses: z.number().nullable(),
  purpose: z.string(),
  starts_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});

/** Draws the view. A mandate whose time is over reads as expired, even if its timer has not run yet. */
export function mandateView(
  mandate: Mandate,
  principal: Person | null,
  agent: Agent | null,
  now: Date,
): z.infer<typeof MandateView> {
  const over = (mandate.state === 'active' || mandate.state === 'frozen') && mandate.expiresAt <= now;
  return {
    mandate_id: mandate.id,
    state: over ? 'expired' : mandate.state,
    reason: mandate.reason,
    principal: { id: mandate.principalId, name: principal?.displayName ?? mandate.principalId },
    agent: { id: mandate.agentId, name: agent?.name ?? mandate.agentId },
    scopes: mandate.scopes,
    resources: mandate.resources,
    tools: mandate.tools,
    uses: mandate.uses,
    max_uses: mandate.maxUses,
    purpose: mandate.purpose,
    starts_at: mandate.startsAt.toISOString(),
    expires_at: mandate.expiresAt.toISOString(),
  };
}
