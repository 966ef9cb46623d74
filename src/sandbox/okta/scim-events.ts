import { seededId } from './ids.ts';
import { SYSTEM } from './simulation.ts';
import type { LogSource, LogTarget } from './system-log.ts';

/** The SCIM app as a target in the System Log. */
export const appPushTarget = (): LogTarget => ({
  id: seededId('0oa', 'scimapp'),
  type: 'AppInstance',
  alternateId: 'Prokura',
  displayName: 'Prokura',
  detailEntry: null,
});

/** The source of provisioning events: the org itself. */
export const scimEvent = (): LogSource => ({
  caller: SYSTEM,
  requestId: 'provisioning',
  path: '/provisioning',
  userAgent: 'Okta SCIM Client 1.0.0',
});
