import { actorName } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { ledgerData, questionOf, type Asked } from './asked.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide, decideNow, type Decision } from './decide/decide.ts';
import { deny } from './deny.ts';
import { readContext } from './explain.ts';
import type { Outcome } from './outcome.ts';
import { browse, readonly } from './transact.ts';
import { lookContext } from './world.ts';

/**
 * Uses a tool that changes nothing: a read in our own data, or a look at the provider. Decides, runs, and
 * writes the ledger entry before it answers. Throws Fault `forbidden` where a policy requires an approval,
 * and what the tool throws.
 */
export async function look(asked: Asked): Promise<Outcome> {
  const { app, request, entry, input } = asked;
  const { tool } = entry;
  const asking = questionOf(asked);
  const answer =
    tool.effects === 'read'
      ? await reading(asked, tool.light === true, async (reader) => {
          const decision = await decide(reader, app.policies, asking);
          const output = passes(decision, tool)
            ? await tool.run(readContext(app, reader, request.actor), input)
            : {};
          return { decision, output };
        })
      : { decision: await decideNow(app, request.tenantId, asking), output: {} };
  if (!passes(answer.decision, tool)) return deny(asked, answer.decision.denial);
  const output =
    tool.effects === 'look'
      ? await tool.run(await lookContext(app, request.tenantId, request.actor, request.signal), input)
      : await awaitAnswer(asked, answer.output);
  const callId = newId('call');
  await app.ledgerBatch.add(request.tenantId, {
    event: 'CALL_SUCCEEDED',
    actor: actorName(request.actor),
    data: ledgerData(asked, callId),
  });
  return { status: 'done', callId, output };
}

/** Reads by key at once, and everything else in line. */
const reading = <T>(
  { app, request: { tenantId, signal } }: Asked,
  isLight: boolean,
  work: (reader: TenantReader) => Promise<T>,
): Promise<T> => (isLight ? readonly(app, tenantId, work) : browse(app, tenantId, signal, work));

/**
 * Whether the decision lets a read or a look run. Such tools cannot wait for an approval, so a policy that
 * requires one throws Fault `forbidden`.
 */
function passes(
  decision: Decision,
  tool: CatalogueEntry['tool'],
): decision is Extract<Decision, { allowed: true }> {
  if (decision.allowed && decision.saved.requirements.length > 0)
    throw new Fault(
      'forbidden',
      `A policy requires approval for "${tool.title}", but read-only tools cannot be approved. An administrator must change that policy.`,
    );
  return decision.allowed;
}

/**
 * For a read that waits: repeats it whenever the call it waits for changes. It only reads, so it is not
 * decided again.
 */
async function awaitAnswer(
  { app, request, entry: { tool }, input }: Asked,
  first: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  if (tool.effects !== 'read' || tool.waits === undefined) return first;
  const { waits } = tool;
  const callId = waits.on(first);
  if (callId === null) return first;
  let last = first;
  const again = async () => {
    last = await readonly(app, request.tenantId, (reader) =>
      tool.run(readContext(app, reader, request.actor), input),
    );
    return waits.on(last) === null ? last : null;
  };
  return (await app.settled.until(callId, waits.seconds(input) * 1000, again, request.signal)) ?? last;
}
