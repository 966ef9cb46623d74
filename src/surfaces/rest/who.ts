import { ADMIN_SCOPE, LOOKING_KEY_SCOPES } from '#domain/tenant/api-key.ts';
import { Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';
import type { Who } from './route.ts';

/**
 * Checks that the caller is who the route asks for. `tenantId` is the organisation in the path, if there is
 * one. Throws Fault `not_found` for another organisation's path, and `forbidden` without the scope.
 */
export function requireWho(who: Who, caller: Caller, tenantId: string | undefined): void {
  if (who === 'anybody' || who === 'caller') return;
  if (who === 'admin' && tenantId !== caller.tenantId)
    throw new Fault(
      'not_found',
      'This credential does not belong to this organisation. Check the tenant ID.',
    );
  const scope = who === 'admin' ? ADMIN_SCOPE : who.key;
  if (caller.actor.kind !== 'service' || !caller.keyScopes.includes(scope)) throw lacksScope(caller, scope);
}

/** Says how a key gets the scope. */
function lacksScope({ tenantId, actor }: Caller, scope: string): Fault {
  const who = actor.kind === 'service' ? 'This API key lacks' : 'This requires an API key with';
  const how = LOOKING_KEY_SCOPES.some((one) => one === scope)
    ? `An administrator can create such a key with a key that has ${ADMIN_SCOPE}: POST /v1/tenants/${tenantId}/api-keys with {"name": "…", "scopes": ["${scope}"]}.`
    : `An IT admin can grant it to a key in Slack with /apikey grant, and another IT admin must approve.`;
  return new Fault('forbidden', `${who} the scope ${scope}. ${how}`, { detail: { required_scope: scope } });
}
