import type { TenantReader } from '#domain/context.ts';
import { findPerson } from '#domain/person/store.ts';
import { callSummary, mandateSummary } from './messages/summary.ts';
import type { Copies } from './recipients.ts';
import { callsIn, findSummary, mandatesIn } from './summary-store.ts';

/** What the reader of a summary should see: counts by the rows as they are now, and the first by name. */
export async function summaryCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const summary = await findSummary(reader, id);
  const person = summary === null ? null : await findPerson(reader, summary.personId);
  if (summary === null || person === null) return [];
  const message =
    summary.change === 'withdrawn'
      ? callSummary(await callsIn(reader, id))
      : mandateSummary(await mandatesIn(reader, id, summary.change), summary.change, person.id);
  return [{ audience: 'summary', message, recipients: [{ person }] }];
}
