import { readonly, transact } from '#engine/transact.ts';
import { draftGone, type Act, type Slack } from './context.ts';
import type { Request } from './run.ts';
import { findDraft, giveBackDraft, saveDraft, takeDraft } from './store.ts';

/** How long a card or form can be sent, in milliseconds: as long as Slack's response URLs live. */
const DRAFT_MS = 30 * 60_000;

/** What a person has begun. `channel` is where they asked. */
export type Draft =
  | ({ readonly kind: 'request'; readonly channel: string | null } & Request)
  | {
      readonly kind: 'deny' | 'narrow';
      readonly channel: string | null;
      readonly approvalId: string;
      readonly version: number;
    };

/** Saves it for this person; its id is all that travels through Slack. */
export function begin(slack: Slack, act: Act, draft: Draft): Promise<string> {
  return transact(slack.app, act.tenantId, (ctx) =>
    saveDraft(ctx, owner(slack, act), { ...draft }, new Date(ctx.now.getTime() + DRAFT_MS)),
  );
}

/** Looks at it. Throws Fault `conflict` where it is used, expired or somebody else's. */
export async function look<K extends Draft['kind']>(
  slack: Slack,
  act: Act,
  id: string,
  kind: K,
): Promise<Extract<Draft, { kind: K }>> {
  return ofKind(
    await readonly(slack.app, act.tenantId, (reader) => findDraft(reader, id, owner(slack, act))),
    kind,
  );
}

/** Uses it: of two clicks or submissions one gets it, and the other Fault `conflict`. */
export async function take<K extends Draft['kind']>(
  slack: Slack,
  act: Act,
  id: string,
  kind: K,
): Promise<Extract<Draft, { kind: K }>> {
  return ofKind(
    await transact(slack.app, act.tenantId, (ctx) => takeDraft(ctx, id, owner(slack, act))),
    kind,
  );
}

/** Gives it back, where its form stays open to be corrected. */
export function giveBack(slack: Slack, act: Act, id: string): Promise<void> {
  return transact(slack.app, act.tenantId, (ctx) => giveBackDraft(ctx, id, owner(slack, act)));
}

/** Workspace and account: an id that was copied out of somebody else's form opens nothing. */
const owner = (slack: Slack, { account }: Act): string => `${slack.teamId}/${account.userId}`;

function ofKind<K extends Draft['kind']>(data: unknown, kind: K): Extract<Draft, { kind: K }> {
  const draft = data as Draft | null;
  if (draft === null || draft.kind !== kind) throw draftGone();
  return draft as Extract<Draft, { kind: K }>;
}
