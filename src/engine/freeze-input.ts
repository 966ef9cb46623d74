import { z } from 'zod';
import { freezeTarget } from '#domain/freeze/target.ts';
import { agentTarget, mandateTarget, personTarget, TENANT_TARGET, type Targets } from './tool.ts';

/**
 * The input field for what to freeze. References are resolved to an id, or to the word `organisation`, before
 * the tool runs.
 */
export const FREEZE_TARGET = z
  .string()
  .trim()
  .min(3)
  .max(200)
  .meta({ ref: 'freezable' })
  .describe(
    'What to stop: an agent (name or ID), a person (work email or ID), a mandate (mdt_…), or organisation.',
  );

/**
 * The target as policy sees it. Throws Fault `invalid_input` for text that names nothing that can be frozen.
 */
export function freezeTargets(text: string): Targets {
  const target = freezeTarget(text);
  const make = { agent: agentTarget, principal: personTarget, mandate: mandateTarget };
  return target.kind === 'organisation' ? TENANT_TARGET : [make[target.kind](target.id)];
}

/** What a freeze affects: total counts, and the first of each kind by name. */
export const FreezeReport = z.object({
  target: z.string(),
  kind: z.enum(['agent', 'principal', 'mandate', 'organisation']),
  name: z.string(),
  mandates: z.number().int(),
  agents: z.number().int(),
  principals: z.number().int(),
  pending_approvals: z.number().int(),
  at_least: z.boolean().describe('True if there is more than was counted: counting stops at a limit.'),
  tokens: z.string(),
  named: z.object({
    mandates: z.array(z.string()),
    agents: z.array(z.string()),
    pending_approvals: z.array(z.string()),
  }),
});
