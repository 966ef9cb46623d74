import type { PersonActor } from '#domain/actor.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import type { Approval, Vote } from '#domain/approval/store.ts';
import type { TenantReader, WriteContext } from '#domain/context.ts';
import { takeStepUp } from '#domain/sign-in/step-up.ts';
import { identityProvidersOf } from '#domain/token/store.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from '../app.ts';

/**
 * Whether people of this tenant can step up: sign in again with a browser, at the Okta that the tenant
 * trusts.
 */
export async function offersStepUp(app: Pick<App, 'loginIssuer'>, reader: TenantReader): Promise<boolean> {
  if (app.loginIssuer === null) return false;
  const providers = await identityProvidersOf(reader);
  return providers.some((provider) => provider.kind === 'OKTA' && provider.issuer === app.loginIssuer);
}

/**
 * Whether an eligible voter's vote counts for a requirement: if that requires step-up, only a vote cast with
 * it does.
 */
export const countsFor = ({ stepUp }: Requirement, vote: Pick<Vote, 'identity'>): boolean =>
  !stepUp || vote.identity['step_up'] !== undefined;

/**
 * Uses up the actor's step-up for this approval, in the committing transaction. It must be this person's, for
 * exactly this version of this approval. It must not have been used, have expired, or have ended with the
 * person's sign-ins. Returns it as the vote and the ledger store it.
 *
 * Throws Fault `forbidden` with `detail.reason` `step_up_required` and the page at which to sign in again.
 */
export async function spendStepUp(
  ctx: WriteContext,
  actor: PersonActor,
  approval: Approval,
): Promise<Readonly<Record<string, string>>> {
  const taken = actor.stepUp === undefined ? null : await takeStepUp(ctx, actor.stepUp);
  const fits =
    taken?.personId === actor.personId &&
    taken.approvalId === approval.id &&
    taken.version === approval.version &&
    taken.digest === approval.digest;
  if (taken === null || !fits)
    throw faultOfWanting(
      ctx,
      approval,
      actor.stepUp === undefined
        ? 'This decision requires step-up: a fresh sign-in with a second factor.'
        : 'Your step-up sign-in was already used, is more than five minutes old, or was for an earlier version of the request. Sign in again.',
    );
  return {
    step_up: taken.id,
    acr: taken.acr,
    amr: taken.amr.join(' '),
    auth_time: new Date(taken.authTime * 1000).toISOString(),
  };
}

function faultOfWanting(ctx: WriteContext, { id }: Approval, why: string): Fault {
  const page = ctx.calls.page(id);
  return new Fault('forbidden', `${why} Open ${page}`, {
    detail: { reason: 'step_up_required', approval_id: id, approval_url: page },
  });
}
