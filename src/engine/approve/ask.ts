import type { Actor } from '#domain/actor.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import { insertApproval } from '#domain/approval/store.ts';
import type { PlacedCall } from '#domain/call/desk.ts';
import type { TenantReader, TenantWriter } from '#domain/context.ts';
import { denial, type Denial } from '#domain/denial.ts';
import type { Impact } from '#domain/impact.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { canonicalJson } from '#lib/json.ts';
import type { App } from '../app.ts';
import { callerOf } from '../caller.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { mendingWords, shortageWords } from './approver-words.ts';
import { approverFacts } from './approver-facts.ts';
import { eligibleFor } from './approvers.ts';
import { mayBreakGlass } from './break-glass.ts';
import { offersStepUp } from './step-up.ts';
import { REMIND_APPROVAL, stepsOf } from './remind.ts';

/** The queue of the job that ends an approval nobody decided. */
export const EXPIRE_APPROVAL = 'expire-approval';

/**
 * The digest that an approval is bound to (law 6): the tool's contract, the canonical input, the previewed
 * impact and the policies that decided. Keyed, so that it reveals nothing about the input.
 */
export function approvalDigest(
  app: Pick<App, 'secrets'>,
  entry: CatalogueEntry,
  input: unknown,
  impact: Impact,
  policyDigest: string,
): string {
  return app.secrets.digest(
    canonicalJson({ contract: entry.contractDigest, input, impact, policies: policyDigest }),
  );
}

/**
 * A digest that is equal for calls that ask the same question (law 7): the same tool and input, from the same
 * actor, for the same principal, under the same mandate. Keyed.
 */
export function inputDigestOf(
  app: Pick<App, 'secrets'>,
  call: { tenantId: string; tool: string; actor: Actor; input: unknown },
): string {
  const { tenantId, tool, actor, input } = call;
  return app.secrets.digest(canonicalJson({ tenantId, tool, input, ...callerOf(actor) }));
}

/**
 * Why nobody could ever approve this, or null. Such a call is refused at once instead of waiting until it
 * expires (law 9). It may wait if its requester may use break-glass.
 */
export async function findDeadlock(
  app: Pick<App, 'loginIssuer' | 'catalogue'>,
  reader: TenantReader,
  requirements: readonly Requirement[],
  call: PlacedCall,
): Promise<Denial | null> {
  const facts = await approverFacts(reader, [{ call, requirements }]);
  for (const requirement of requirements) {
    if (requirement.stepUp && !(await offersStepUp(app, reader))) {
      return denial(
        'step_up_required',
        `${requirement.reason} Sign-in in a browser is not set up, so this request is refused. An administrator can register a web application in Okta and set OKTA_LOGIN_CLIENT_ID (docs/okta-setup.md). Until then, an Okta administrator can do this in Okta.`,
        { policy: requirement.policy },
      );
    }
    const able = eligibleFor(facts, requirement, call, false);
    if (able.length < requirement.quorum && !(await mayBreakGlass(app, reader, call))) {
      return denial(
        'no_approver',
        `${requirement.reason} ${shortageWords(requirement.quorum, able.length)} ${mendingWords(requirement, able.length)}`,
        { policy: requirement.policy },
      );
    }
  }
  return null;
}

/**
 * Saves an approval and the jobs that remind, escalate and expire it. Returns when it expires: the shortest
 * time that a requirement or the tenant sets.
 */
export async function ask(
  ctx: TenantWriter,
  approval: {
    id: string;
    callId: string;
    digest: string;
    requirements: readonly Requirement[];
    impact: Impact;
  },
): Promise<Date> {
  const { settings } = await theTenant(ctx);
  const seconds = Math.min(
    settings.approvalSeconds,
    ...approval.requirements.flatMap((requirement) => requirement.expiresSeconds ?? []),
  );
  const expiresAt = new Date(ctx.now.getTime() + seconds * 1000);
  await insertApproval(ctx, {
    ...approval,
    requirements: [...approval.requirements],
    tenantId: ctx.tenantId,
    createdAt: ctx.now,
    expiresAt,
  });
  ctx.enqueue(EXPIRE_APPROVAL, { approval: approval.id }, expiresAt);
  const { remindAt, escalateAt } = stepsOf({ createdAt: ctx.now, expiresAt });
  for (const at of [remindAt, escalateAt]) ctx.enqueue(REMIND_APPROVAL, { approval: approval.id }, at);
  return expiresAt;
}
