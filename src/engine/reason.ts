import { readOrFault } from '#lib/problems.ts';
import { z } from 'zod';
import type { CatalogueEntry } from './catalogue.ts';

/** The longest reason accepted beside an input, in characters. */
export const MAX_REASON = 500;

const Reason = z.object({ reason: z.string().max(MAX_REASON).optional() });

/**
 * Whether a `reason` beside the input is ours and is removed before the call: the tool changes something and
 * has no such field itself.
 */
export const takesReason = ({ tool, inputSchema }: CatalogueEntry): boolean =>
  tool.effects !== 'read' &&
  tool.effects !== 'look' &&
  (inputSchema['properties'] as Record<string, unknown> | undefined)?.['reason'] === undefined;

/**
 * Separates the input from the reason beside it. Throws Fault `invalid_input` if the reason is not text or is
 * too long.
 */
export function withoutReason(
  entry: CatalogueEntry,
  body: Readonly<Record<string, unknown>>,
): { readonly input: Readonly<Record<string, unknown>>; readonly reason: string | undefined } {
  if (!takesReason(entry)) return { input: body, reason: undefined };
  const { reason: given, ...input } = body;
  const { reason } = readOrFault(
    Reason,
    { reason: given ?? undefined },
    `Invalid input for ${entry.tool.name}`,
  );
  return { input, reason };
}
