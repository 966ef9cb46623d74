import { openUse } from '#domain/break-glass/store.ts';
import { findPerson } from '#domain/person/store.ts';
import type { StepUp } from '#domain/sign-in/step-up.ts';
import { theTenant } from '#domain/tenant/store.ts';
import type { App } from '#engine/app.ts';
import { mayOpen } from '#engine/approve/open.ts';
import { sceneOf } from '#engine/approve/scene.ts';
import { approvalView } from '#engine/approve/view.ts';
import { readonly } from '#engine/transact.ts';
import { drawApproval, type Sight } from './draw.ts';
import { nothingHere } from './pages.ts';
import { beginSignIn, stepUpOf, type Parts, type Visit } from './sign-in.ts';

/** Shows the page. A person who has not just signed in for it is sent to Okta first, and then comes back. */
export async function showPage(parts: Parts, visit: Visit): Promise<Response> {
  const stepUp = await stepUpOf(parts.app, visit);
  if (stepUp === null) return beginSignIn(parts, visit);
  const sight = await sightOf(parts.app, visit, stepUp);
  if (sight === null) return nothingHere();
  // Somebody has voted or narrowed the request, so it differs from what the person signed in for.
  const { approval } = sight.scene.view;
  if (approval.state === 'pending' && approval.version !== stepUp.version) return beginSignIn(parts, visit);
  return drawApproval(visit, sight, csrfOf(parts.app, visit, stepUp));
}

/** What the page shows. Null if the person may not see it, or no longer may. */
export async function sightOf(
  app: App,
  { tenantId, approvalId }: Visit,
  stepUp: StepUp,
): Promise<Sight | null> {
  return readonly(app, tenantId, async (reader) => {
    const [view, person] = [
      await approvalView(reader, approvalId),
      await findPerson(reader, stepUp.personId),
    ];
    if (view === null || person === null) return null;
    if ((await mayOpen(app, reader, person.id, approvalId)) === null) return null;
    const scene = await sceneOf(app, reader, view);
    const own = view.call.principalId === person.id;
    const emergency = !own ? null : (await openUse(reader)) === null ? 'ready' : 'blocked';
    return { scene, person, stepUp, emergency, organisation: (await theTenant(reader)).name };
  });
}

/** The form's CSRF token. It is bound to the step-up, which a cookie binds to this browser. */
export const csrfOf = (app: App, { tenantId }: Visit, stepUp: StepUp): string =>
  app.secrets.digest(`approval page ${tenantId} ${stepUp.id}`);
