import type { Actor } from '#domain/actor.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { targetIds, type Question } from './decide/decide.ts';
import { NO_ROLES, type AdminRoles } from './decide/entities.ts';
import type { Targets } from './tool.ts';

/** A request to use a tool, as an interface passes it on. */
export interface CallRequest {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly tool: string;
  /** Not parsed yet: `call` parses it with the tool's own schema. */
  readonly input: unknown;
  /** The reason in the requester's words; approvers see it as a quotation. */
  readonly reason?: string;
  /**
   * The caller's own key for this request. A repetition with the same key returns the same call, whatever its
   * outcome.
   */
  readonly idempotencyKey?: string;
  /** The longest wait for an act's outcome or an approval, in ms. 0 answers as soon as the call is saved. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /**
   * The digest of the change that the requester was shown (`foresee`), or null if nothing could be shown. If
   * a write would now change anything else, it throws Fault `conflict` and saves nothing. Interfaces that
   * show no preview leave it out.
   */
  readonly seen?: string | null;
  /**
   * Runs in the transaction that saves the call, or that joins a waiting one; a throw undoes both. Interfaces
   * use it to mark a form as used or a click as answered. It does not run where no call is saved: for reads,
   * looks and denials.
   */
  readonly alongside?: (ctx: TenantWriter, callId: string) => Promise<void>;
}

/**
 * A request whose tool was found and whose input was parsed. References are resolved, and `input` has the
 * form that is saved and hashed. Nothing is decided yet.
 */
export interface Asked {
  readonly app: App;
  readonly request: CallRequest;
  readonly entry: CatalogueEntry;
  readonly input: Record<string, unknown>;
  readonly targets: Targets;
  /** Set when the people concerned were already read again because their data was too old. */
  readonly freshened?: true;
}

/** The data that every ledger entry about a call contains. `callId` is null if no call was saved. */
export function ledgerData(
  { request, entry, targets }: Asked,
  callId: string | null,
): Record<string, unknown> {
  const { actor } = request;
  return {
    call_id: callId,
    tool: entry.tool.name,
    targets: targetIds(targets),
    surface: actor.surface,
    ...(actor.kind === 'agent'
      ? { agent: actor.agentId, principal: actor.personId, mandate_id: actor.mandateId, jti: actor.jti }
      : {}),
    ...(actor.kind === 'person' ? { identity: actor.identity } : {}),
  };
}

/** What is decided about a request. `adminRoles`: those of the targets, where the tool acts on people. */
export const questionOf = (
  { entry, request, input, targets }: Asked,
  adminRoles: AdminRoles = NO_ROLES,
): Question => ({
  entry,
  actor: request.actor,
  targets,
  adminRoles,
  worth: entry.tool.worth?.(input) ?? null,
});
