import { z } from 'zod';
import { VERIFY_REASONS } from '#engine/decide/verify.ts';

/** A question of another system: may this agent do this for this person now? */
export const VerifyCheck = z
  .strictObject({
    agent: z
      .string()
      .max(200)
      .optional()
      .describe('The agent: ID or name. Not needed with token or mandate_id.'),
    principal: z
      .string()
      .max(320)
      .optional()
      .describe('The principal: person ID or work email. Not needed with token or mandate_id.'),
    token: z
      .string()
      .max(20_000)
      .optional()
      .describe('The delegation token that the agent sent. It identifies the agent, principal and mandate.'),
    mandate_id: z
      .string()
      .max(40)
      .optional()
      .describe(
        'A specific mandate. Default: any mandate from the principal to the agent that allows the action.',
      ),
    action: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('A scope from the catalogue, such as finance:approve.'),
    tool: z.string().max(60).optional().describe('Use instead of action: a Prokura tool, by name.'),
    input: z.record(z.string(), z.unknown()).optional().describe("The tool's input. Only with tool."),
    resource: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'The resource: a name in your system, matched against resource:<text> in the mandate; or person:<id or email>.',
      ),
    amount: z.number().min(0).max(1e12).optional().describe('Amount of this use.'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .optional()
      .describe('Currency as an ISO 4217 code, such as EUR.'),
    count_use: z
      .boolean()
      .default(false)
      .describe('Set to true to count a use of the mandate if the decision is allow.'),
    idempotency_key: z
      .string()
      .min(8)
      .max(200)
      .optional()
      .describe(
        'Required with count_use. If you repeat the same check with the same key, you get the first decision and nothing is counted again.',
      ),
  })
  .refine((one) => (one.action === undefined) !== (one.tool === undefined), {
    path: ['action'],
    message: 'name either an action or a tool',
  })
  .refine((one) => one.input === undefined || one.tool !== undefined, {
    path: ['input'],
    message: 'only with tool',
  })
  .refine(
    (one) =>
      one.token !== undefined ||
      one.mandate_id !== undefined ||
      (one.agent !== undefined && one.principal !== undefined),
    {
      path: ['agent'],
      message: 'name token, mandate_id, or both agent and principal',
    },
  )
  .refine((one) => (one.amount === undefined) === (one.currency === undefined), {
    path: ['currency'],
    message: 'send amount and currency together',
  })
  .refine((one) => !one.count_use || one.idempotency_key !== undefined, {
    path: ['idempotency_key'],
    message: 'is required with count_use',
  });

/** The shape of a check. */
export type VerifyCheck = z.infer<typeof VerifyCheck>;

/** Up to a hundred checks. Each is decided, recorded and answered separately, in order. */
export const VerifyBatch = z.strictObject({ checks: z.array(VerifyCheck).min(1).max(100) });

/** The answer to a check. */
export const VerifyAnswer = z.object({
  decision: z.enum(['allow', 'deny']),
  reasons: z.array(z.enum(VERIFY_REASONS)).describe('Why it was denied; empty for allow.'),
  message: z.string().nullable().describe('For people: what to do next.'),
  mandate_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  principal_id: z.string().nullable(),
  missing: z.record(z.string(), z.unknown()).nullable().describe('The smallest change that would allow it.'),
  counted: z
    .boolean()
    .describe('True if a use was counted, by this request or an earlier one with the same key.'),
});

/** The shape of that answer. */
export type VerifyAnswer = z.infer<typeof VerifyAnswer>;
