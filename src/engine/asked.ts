import type { Actor } from '#domain/actor.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { targetIds } from './decide/decide.ts';
import type { Targets } from './tool.ts';

/** A use of a tool, as a surface asks for it. */
export interface CallRequest {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly tool: string;
  /** As it came in: parsed here, by the tool's own schema. */
  readonly input: unknown;
  /** Why, in the requester's words; shown to approvers as a quotation. */
  readonly reason?: string;
  /** The caller's own name for this request: a repetition with it is the same call, whatever came of that. */
  readonly idempotencyKey?: string;
  /** How long to wait for an act's outcome or an approval, at most; 0 answers as soon as the call stands. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /**
   * The digest of what the requester was shown that it would change (`foresee`); null where nothing could be shown. Where a write would
   * change anything else by now, Fault `conflict`, and nothing is saved. Left out by surfaces that show nothing before.
   */
  readonly seen?: string | null;
  /**
   * What a surface commits together with the call that it leads to, or with the waiting one that it joins: that a form is used, that a
   * click is answered. A throw undoes both. Not run where no call is saved: for what only looks, and for a denial.
   */
  readonly alongside?: (ctx: TenantWriter, callId: string) => Promise<void>;
}

/** The same with its tool found and its input read: references resolved, in the form that is saved and hashed. Nothing is decided. */
export interface Asked {
  readonly app: App;
  readonly request: CallRequest;
  readonly entry: CatalogueEntry;
  readonly input: Record<string, unknown>;
  readonly targets: Targets;
  /** The people whom this is about were read again already, where what was known of them was too old. */
  readonly freshened?: true;
}

/** What the ledger says of a call, whatever comes of it; `callId` is null where none was saved. */
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
