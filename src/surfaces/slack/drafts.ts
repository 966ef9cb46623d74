import type { TenantWriter } from '#domain/context.ts';
import { readonly, transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { holdsPrivateKey } from '#lib/private-key.ts';
import { draftGone, type Act, type Slack } from './context.ts';
import type { Filled } from './messages/output.ts';
import type { Place } from './pages.ts';
import type { Request } from './request.ts';
import { findDraft, saveDraft, takeDraft } from './store.ts';

/** How long a card or form can be sent, in milliseconds: as long as Slack's response URLs live. */
const DRAFT_MS = 30 * 60_000;

/** What a person has begun. `channel` is where they asked. */
export type Draft =
  | ({
      readonly kind: 'request';
      readonly channel: string | null;
      /** The digest of what its card showed; null or absent where it showed none. */
      readonly seen?: string | null;
    } & Request)
  | ({
      /** An answer with buttons: what was asked, which page is shown, and what each button asks for. */
      readonly kind: 'answer';
      readonly channel: string | null;
      readonly place: Place;
      readonly next: string | null;
      readonly buttons: readonly Filled[];
    } & Pick<Request, 'tool' | 'input'>)
  | {
      readonly kind: 'deny' | 'narrow';
      readonly channel: string | null;
      readonly approvalId: string;
      readonly version: number;
    };

/**
 * Saves it for this person, sealed; its id is all that travels through Slack. Throws Fault `invalid_input`
 * where a private key was typed: nothing of it is kept.
 */
export function begin(slack: Slack, act: Act, draft: Draft): Promise<string> {
  if (holdsPrivateKey(draft)) throw new Fault('invalid_input', PRIVATE_KEY);
  const id = newId('draft');
  const sealed = slack.app.secrets.seal(JSON.stringify(draft), sealedAs(id));
  return transact(slack.app, act.tenantId, async (ctx) => {
    const expiresAt = new Date(ctx.now.getTime() + DRAFT_MS);
    await saveDraft(ctx, { id, slackUser: owner(slack, act), sealed, expiresAt });
    return id;
  });
}

/** Looks at it. Throws Fault `conflict` where it is used, expired or somebody else's. */
export async function look<K extends Draft['kind']>(
  slack: Slack,
  act: Act,
  id: string,
  kind: K,
): Promise<Extract<Draft, { kind: K }>> {
  const sealed = await readonly(slack.app, act.tenantId, (reader) =>
    findDraft(reader, id, owner(slack, act)),
  );
  if (sealed === null) throw draftGone();
  const draft = JSON.parse(slack.app.secrets.unseal(sealed, sealedAs(id))) as Draft;
  if (draft.kind !== kind) throw draftGone();
  return draft as Extract<Draft, { kind: K }>;
}

/**
 * Uses it, in the transaction of what it leads to: of two clicks or submissions one gets it, and the other
 * Fault `conflict`.
 */
export async function spend(ctx: TenantWriter, slack: Slack, act: Act, id: string): Promise<void> {
  if (!(await takeDraft(ctx, id, owner(slack, act)))) throw draftGone();
}

/** Uses it up, and nothing follows. */
export function discard(slack: Slack, act: Act, id: string): Promise<void> {
  return transact(slack.app, act.tenantId, (ctx) => spend(ctx, slack, act, id));
}

/** Workspace and account: an id that was copied out of somebody else's form opens nothing. */
const owner = (slack: Slack, { account }: Act): string => `${slack.teamId}/${account.userId}`;

const sealedAs = (id: string): string => `slack-draft:${id}`;

/** What is said of a private key in what was typed. */
export const PRIVATE_KEY =
  'This holds a private key, so it is refused, and we have kept nothing of it. Slack has seen it: make a new pair, and give only its public half.';
