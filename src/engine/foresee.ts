import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import { Fault } from '#lib/fault.ts';
import { canonicalJson } from '#lib/json.ts';
import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide } from './decide/decide.ts';
import { readContext } from './explain.ts';
import { resolveReferences } from './references.ts';

/**
 * The change that a write would make, for its requester to read first. `digest` binds the request to it
 * (`CallRequest.seen`).
 */
export interface Foreseen {
  readonly impact: Impact;
  readonly digest: string;
}

/**
 * The full change that this write would make now, as approvers would see it. `input` must be resolved. Null
 * for tools other than writes, and where the call would be refused, so that an actor without authority learns
 * nothing. The change may be another one later.
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

/**
 * Why this write cannot be done at all, as things are: what it names is not there, or its state does not
 * allow it. Null where it can, where policy refuses it (the call says so, and is in the ledger), and for a
 * tool that does not change our rows.
 */
export async function findImpossible(
  app: App,
  reader: TenantReader,
  { actor, entry, input }: { actor: Actor; entry: CatalogueEntry; input: Record<string, unknown> },
): Promise<Fault | null> {
  const { tool } = entry;
  if (tool.effects !== 'write') return null;
  const reading = readContext(app, reader, actor);
  try {
    const resolved = await resolveReferences(reader, entry, actor, input);
    const question = {
      entry,
      actor,
      targets: tool.targets(resolved),
      adminRoles: new Map(),
      anyAge: true,
    } as const;
    if ((await decide(reader, app.policies, question)).allowed) await tool.preview(reading, resolved);
    return null;
  } catch (error) {
    if (error instanceof Fault && (error.code === 'not_found' || error.code === 'conflict')) return error;
    if (error instanceof Fault && error.code !== 'unavailable') return null;
    throw error;
  }
}

/**
 * A digest that is equal for the same contract, input and impact. Keyed, so that it reveals nothing about
 * them.
 */
export const foreseenDigest = (
  app: Pick<App, 'secrets'>,
  { contractDigest: contract }: Pick<CatalogueEntry, 'contractDigest'>,
  input: unknown,
  impact: Impact,
): string => app.secrets.digest(canonicalJson({ contract, input, impact }));

/** The Fault `conflict` of a write that would now change something other than its requester was shown. */
export const changedSince = (): Fault =>
  new Fault(
    'conflict',
    'The effect of this request has changed since you saw it, so nothing was done. Look at it again.',
    {
      detail: { reason: 'changed_since_shown' },
    },
  );

/** Whether an error is the Fault that `changedSince` makes. */
export const isChangedSince = (error: unknown): boolean =>
  error instanceof Fault && error.detail.reason === 'changed_since_shown';
