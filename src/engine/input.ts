import { Fault } from '#lib/fault.ts';
import type { CatalogueEntry } from './catalogue.ts';

/** The input as the tool's schema parses it; Fault `invalid_input` with every problem by field. */
export function parseInput(entry: CatalogueEntry, input: unknown): Record<string, unknown> {
  const parsed = entry.tool.input.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.'),
    problem: issue.message,
  }));
  const words = problems
    .map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`))
    .join('; ');
  throw new Fault('invalid_input', `The input does not fit ${entry.tool.name}: ${words}.`, {
    detail: { problems },
  });
}
