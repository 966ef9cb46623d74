import { findAlarm } from '#domain/alarm/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { adminsOf } from './breaker.ts';
import type { Copies } from './recipients.ts';
import { jobAlarmMessage } from './messages/job-alarm.ts';

/**
 * What should stand about work that failed for good: for IT admins, in the approval channel where there is
 * one.
 */
export async function jobAlarmCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const alarm = await findAlarm(reader, id);
  if (alarm === null) return [];
  const { approvalChannel } = (await theTenant(reader)).settings;
  const admins = await adminsOf(reader);
  const recipients =
    approvalChannel === null
      ? admins.map((person) => ({ person }))
      : [{ channel: approvalChannel, instead: admins }];
  return [
    {
      audience: 'job-alarm',
      message: jobAlarmMessage(alarm),
      recipients: alarm.overAt === null ? recipients : [],
    },
  ];
}
