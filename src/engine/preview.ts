import type { Actor } from '#domain/actor.ts';
import type { Explanation } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import type { App } from './app.ts';
import { readContext } from './explain.ts';
import { parseInput } from './input.ts';
import { resolveReferences } from './references.ts';
import { readonly } from './transact.ts';

/**
 * What would come of a call, and what it would change; `impact` is null where that is not known before it
 * is asked at the provider, or it would be refused.
 */
export interface CallPreview extends Explanation {
  readonly impact: Impact | null;
}

/**
 * What would happen if the actor called the tool now: allowed or not, whose approval, and for a change of
 * our own rows what it would change, as approvers would see it. Nothing is written, and nobody is asked.
 * Somebody without the tool or authority learns no more than that. Administrator roles at the provider count
 * as none, since they are read only by the call itself, which can so need more approvals. Throws what the
 * call itself would throw for this input: Fault `invalid_input`, `not_found`.
 */
export function previewCall(
  app: App,
  tenantId: string,
  actor: Actor,
  tool: string,
  raw: Readonly<Record<string, unknown>>,
): Promise<CallPreview> {
  return readonly(app, tenantId, async (reader) => {
    const reading = readContext(app, reader, actor);
    const explained = await reading.explain(tool, raw);
    const entry = app.catalogue.get(tool);
    if (!explained.allowed || entry?.tool.effects !== 'write') return { ...explained, impact: null };
    const input = await resolveReferences(reader, entry, actor, parseInput(entry, raw));
    return { ...explained, impact: await entry.tool.preview(reading, input) };
  });
}
