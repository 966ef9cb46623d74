import { z } from 'zod';
import { freezeTarget } from '#domain/freeze/target.ts';
import { agentTarget, mandateTarget, personTarget, TENANT_TARGET, type Targets } from './tool.ts';

/** What the kill switch stops, as it is typed; it reaches the tool as an id or the word `organisation`. */
export const FREEZE_TARGET = z
  .string()
  .trim()
  .min(3)
  .max(200)
  .meta({ ref: 'freezable' })
  .describe('An agent (name or id), a person (work email or id), a mandate (mdt_…), or: organisation.');

/** What policy calls the target. Fault `invalid_input` for a text that names nothing. */
export function freezeTargets(text: string): Targets {
  const target = freezeTarget(text);
  const make = { agent: agentTarget, principal: personTarget, mandate: mandateTarget };
  return target.kind === 'organisation' ? TENANT_TARGET : [make[target.kind](target.id)];
}

/** What a freeze hits: counts of all, and the first of each by name. */
export const FreezeReport = z.object({
  target: z.string(),
  kind: z.enum(['agent', 'principal', 'mandate', 'organisation']),
  name: z.string(),
  mandates: z.number().int(),
  agents: z.number().int(),
  principals: z.number().int(),
  pending_approvals: z.number().int(),
  at_least: z
    .boolean()
    .describe('True where there is more than was counted: what is stopped is not counted before it stops.'),
  tokens: z.string(),
  named: z.object({
    mandates: z.array(z.string()),
    agents: z.array(z.string()),
    pending_approvals: z.array(z.string()),
  }),
});
