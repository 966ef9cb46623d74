import { actorName } from '#domain/actor.ts';
import type { Denial } from '#domain/denial.ts';
import { newId } from '#lib/id.ts';
import { ledgerData, type Asked } from './asked.ts';
import type { Outcome } from './outcome.ts';

/**
 * Thrown when nothing was decided because somebody's directory data is too old and was not read again yet.
 */
export class Outdated extends Error {}

/**
 * Records a denial and returns it as the outcome. Throws Outdated if the denial is only that somebody's
 * directory data is too old and they were not read again yet.
 */
export async function deny(asked: Asked, why: Denial): Promise<Outcome> {
  if (why.code === 'directory_outdated' && asked.freshened !== true) throw new Outdated();
  const { app, request } = asked;
  const callId = newId('call');
  await app.ledgerBatch.add(request.tenantId, {
    event: 'CALL_DENIED',
    actor: actorName(request.actor),
    data: {
      ...ledgerData(asked, callId),
      code: why.code,
      ...(why.policy === undefined ? {} : { policy: why.policy }),
    },
  });
  return { status: 'denied', callId, denial: why };
}
