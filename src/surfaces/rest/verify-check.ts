import { z } from 'zod';
import { VERIFY_REASONS } from '#engine/decide/verify.ts';

/** A question of another system: may this agent do this for this person now? */
export const VerifyCheck = z
  .strictObject({
    agent: z
      .string()
      .max(200)
      .optional()
      .describe('The agent: id or name. Not needed with token or mandate_id.'),
    principal: z
      .string()
      .max(320)
      .optional()
      .describe('For whom: person id or work email. Not needed with token or mandate_id.'),
    token: z
      .string()
      .max(20_000)
      .optional()
      .describe('The delegation token that the agent presented; it says agent, principal and mandate.'),
    mandate_id: z
      .string()
      .max(40)
      .optional()
      .describe('One mandate; left out: whichever of the agent for the principal allows it.'),
    action: z.string().min(1).max(200).optional().describe('A scope of the catalogue: finance:approve.'),
    tool: z.string().max(60).optional().describe('Instead of an action: a tool of Prokura, by name.'),
    input: z.record(z.string(), z.unknown()).optional().describe("With tool: the tool's input."),
    resource: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'On what: a name of your system, matched against resource:<text> of the mandate; or person:<id or email>.',
      ),
    amount: z.number().min(0).max(1e12).optional().describe('What this use is worth.'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .optional()
      .describe('ISO 4217: EUR.'),
    count_use: z.boolean().default(false).describe('Count a use of the mandate where the answer is allow.'),
    idempotency_key: z
      .string()
      .min(8)
      .max(200)
      .optional()
      .describe(
        'Needed with count_use: sent again with the same check, it gets the first answer and counts nothing.',
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
    message: 'an amount needs a currency, and a currency an amount',
  })
  .refine((one) => !one.count_use || one.idempotency_key !== undefined, {
    path: ['idempotency_key'],
    message: 'needed with count_use',
  });

/** The shape of a check. */
export type VerifyCheck = z.infer<typeof VerifyCheck>;

/** Up to a hundred checks. Each is decided, recorded and answered separately, in order. */
export const VerifyBatch = z.strictObject({ checks: z.array(VerifyCheck).min(1).max(100) });

/** The answer to a check. */
export const VerifyAnswer = z.object({
  decision: z.enum(['allow', 'deny']),
  reasons: z.array(z.enum(VERIFY_REASONS)).describe('Why not; empty for allow.'),
  message: z.string().nullable().describe('For people: what to do next.'),
  mandate_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  principal_id: z.string().nullable(),
  missing: z.record(z.string(), z.unknown()).nullable().describe('The smallest change that would allow it.'),
  counted: z.boolean().describe('A use was counted, by this request or by the first one with its key.'),
});

/** The shape of that answer. */
export type VerifyAnswer = z.infer<typeof VerifyAnswer>;
