import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import { Fault } from '#lib/fault.ts';
import { canonicalJson } from '#lib/json.ts';
import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide } from './decide/decide.ts';
import { readContext } from './explain.ts';

/** What a use would change, for people to read before they ask for it. `digest` binds the request to it (`CallRequest.seen`). */
export interface Foreseen {
  readonly impact: Impact;
  readonly digest: string;
}

/**
 * What this write would change now, in full, as its approvers would see it. `input` is resolved. Null for a tool that does not change our
 * rows, and where the call would be refused: somebody without authority learns nothing here. Promises nothing of later.
 */
export async function foresee(
  app: App,
  reader: TenantReader,
  { actor, entry, input }: { actor: Actor; entry: CatalogueEntry; input: Record<string, unknown> },
): Promise<Foreseen | null> {
  const { tool } = entry;
  if (tool.effects !== 'write') return null;
  const reading = readContext(app, reader, actor);
  try {
    const extra = await tool.context?.(reading, input);
    const decision = await decide(reader, app.policies, {
      entry,
      actor,
      targets: tool.targets(input),
      adminRoles: new Map(),
      worth: tool.worth?.(input) ?? null,
      ...(extra && { extra }),
    });
    if (!decision.allowed) return null;
    const impact = await tool.preview(reading, input);
    return { impact, digest: foreseenDigest(app, entry, input, impact) };
  } catch (error) {
    if (error instanceof Fault && error.code !== 'unavailable') return null;
    throw error;
  }
}

/** Equal for the same contract, input and impact. Keyed, so that it tells nothing of them. */
export const foreseenDigest = (
  app: Pick<App, 'secrets'>,
  { contractDigest: contract }: Pick<CatalogueEntry, 'contractDigest'>,
  input: unknown,
  impact: Impact,
): string => app.secrets.digest(canonicalJson({ contract, input, impact }));

/** Thrown where a write would change something else than its requester was shown. */
export const changedSince = (): Fault =>
  new Fault('conflict', 'What this would do has changed since you saw it, so nothing was done. Look again.', {
    detail: { reason: 'changed_since_shown' },
  });

/** Whether it is `changedSince`. */
export const isChangedSince = (error: unknown): boolean =>
  error instanceof Fault && error.detail['reason'] === 'changed_since_shown';
