import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { APPROVER, type ApproverKind } from '#domain/approval/approval.ts';
import type { RequirementChange } from '#domain/policy/desk.ts';
import { policyFacts, savePolicyVersion } from '#domain/policy/store.ts';
import { caseWords, requirementsWords } from '#engine/decide/requirement-words.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { sha256 } from '#lib/crypto.ts';
import { oneLine } from '#lib/one-line.ts';

const NOBODY = 'none';
const AS_BEFORE = 'as_before';
const WHO =
  'manager, manager_of_target, owner, role:<role>, group:<group id>, person:<person id> or anyone:<scope>';

const Input = z.object({
  action: z
    .string()
    .regex(/^[a-z][a-z0-9_]{2,79}$/, 'is the name of a tool, such as okta_suspend_user')
    .describe('The tool whose use needs the approval, such as okta_suspend_user.'),
  approver: z
    .string()
    .refine(
      (text) => APPROVER.test(text) || text === NOBODY || text === AS_BEFORE,
      `must be ${WHO}; or ${NOBODY}, or ${AS_BEFORE}`,
    )
    .describe(
      `Who must approve: ${WHO}. ${NOBODY}: nobody. ${AS_BEFORE}: take back what was set here for the same action and cases.`,
    ),
  quorum: z.number().int().min(1).max(10).default(1).describe('How many people must approve.'),
  step_up: z
    .boolean()
    .default(false)
    .describe('Only votes count that are given right after a sign-in with a second factor.'),
  fallback: z
    .string()
    .regex(APPROVER, `must be ${WHO}`)
    .optional()
    .describe('Who decides where too few of the approvers can: named like an approver.'),
  asked_by: z
    .enum(['everybody', 'people', 'agents', 'api_keys'])
    .default('everybody')
    .describe('Only for these requests: of people themselves, of agents that act for them, or of API keys.'),
  role: z
    .string()
    .regex(/^[a-z0-9_]{2,40}$/)
    .optional()
    .describe(
      'Only where the person who asks holds this role; map a group to a role of its own to name the group.',
    ),
  target: z
    .enum(['Person', 'Agent', 'Mandate', 'Approval', 'Tenant'])
    .optional()
    .describe('Only on targets of this kind.'),
  why: oneLine(3, 300)
    .optional()
    .describe('Shown to the requester and the approvers. Default: that the organisation requires it.'),
  note: z
    .string()
    .trim()
    .min(3)
    .max(500)
    .describe('What changes and why; it is shown in the list of versions.'),
});

export default defineTool({
  name: 'policy_requirement_set',
  title: 'Set an approval',
  description:
    'Sets how many people must approve one action, who, and whether with step-up. The rest of the policies stays as it is. Another IT admin must approve the change.',
  input: Input,
  output: z.object({
    version: z.number().describe('The number of the version that is in force now.'),
    previous_version: z.number().describe('The version before: policy_set returns to it.'),
    digest: z.string().describe('SHA-256 of the text.'),
    two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
  }),
  scope: 'policy.manage',
  command: '/policy require <action> [approver] [quorum]',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  unseen: () => true,
  preview: async (ctx, input) => {
    const change = changeOf(input);
    const found = await ctx.policy.withRequirement(change);
    const stays = requirementsWords(found.stays, true);
    return {
      changes: [
        {
          what: `approval of "${found.title}"${caseWords(change)}`,
          from: requirementsWords(found.before, true),
          to: requirementsWords(found.after),
        },
        ...(found.stays.length === 0 ? [] : [{ what: 'stays in any case', to: stays }]),
        {
          what: 'policies',
          from: `version ${found.version}`,
          to: `a new text, SHA-256 ${sha256(found.text)}`,
        },
        { what: 'note', to: input.note },
      ],
      effect: `From then on: ${requirementsWords(found.after)}${caseWords(change)}${found.stays.length === 0 ? '' : ', and what stays in any case'}. ${found.first ? 'The organisation then has policies of its own, which new permits of an upgrade do not reach. ' : ''}Version ${found.version} can be set again. Pending requests that it affects are asked again.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { text, version: previous } = await ctx.policy.withRequirement(changeOf(input));
    const { singleAdmin } = await policyFacts(ctx);
    const digest = sha256(text);
    const version = await savePolicyVersion(ctx, {
      text,
      note: input.note,
      callId: ctx.callId,
      actor: actorName(ctx.actor),
      digest,
      from: null,
    });
    return {
      version,
      previous_version: previous,
      digest,
      two_humans: !(singleAdmin && ctx.actor.kind === 'person'),
    };
  },
});

function changeOf(input: z.infer<typeof Input>): RequirementChange {
  const { action, approver, quorum, step_up: stepUp, fallback, asked_by: askedBy, role, target, why } = input;
  return {
    action,
    askedBy,
    role: role ?? null,
    target: target ?? null,
    approval:
      approver === AS_BEFORE
        ? AS_BEFORE
        : approver === NOBODY
          ? null
          : {
              approver: approver as ApproverKind,
              fallback: (fallback as ApproverKind | undefined) ?? null,
              quorum,
              stepUp,
              reason: why ?? 'The organisation asks for an approval of this.',
            },
  };
}
