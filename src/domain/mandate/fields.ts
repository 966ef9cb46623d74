import { z } from 'zod';
import { CLOCK_TIME, isTimeZone } from './window.ts';

/**
 * Scopes by name. The tools that give, narrow, hand on and save mandates share this field and those below.
 */
export const scopesField = z.array(z.string().min(1).max(200)).min(1).max(50).meta({ ref: 'scope' });
/** Resource patterns (`resources.ts`). Does not check their form. */
export const resourcesField = z.array(z.string().min(1).max(200)).min(1).max(100).meta({ ref: 'resources' });
/** Names of tools. */
export const toolsField = z.array(z.string().min(1).max(100)).min(1).max(100).meta({ ref: 'tool' });
/** The most that one use may be worth: up to four decimals. */
export const amountField = z.number().positive().max(1_000_000_000_000).multipleOf(0.0001);
/** The form of an ISO 4217 code. Does not check that the currency exists. */
export const currencyField = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .meta({ ref: 'currency' });
/** How long it lasts, in days. */
export const daysField = z.number().int().min(1).max(366);
/** How many times it can be used. */
export const usesField = z.number().int().min(1).max(1_000_000);
/** Levels of sub-delegation. */
export const depthField = z.number().int().min(0).max(3);
/** What it is for, in the requester's words. */
export const purposeField = z.string().trim().min(3).max(500);

/** The hours of the week in which it works (`window.ts`). */
export const windowField = z
  .strictObject({
    days: z
      .array(z.number().int().min(1).max(7))
      .min(1)
      .max(7)
      .meta({
        ref: 'weekday',
        label: 'Days of the week',
        hint: 'When it works. Leave all four empty for always.',
      })
      .describe('ISO weekdays, from 1 (Monday) to 7 (Sunday).'),
    from: z
      .string()
      .regex(CLOCK_TIME)
      .meta({ ref: 'time', label: 'From', hint: 'When it begins to work on these days.' })
      .describe('Start as HH:MM, inclusive.'),
    to: z
      .string()
      .regex(CLOCK_TIME)
      .meta({ ref: 'time', label: 'Until', hint: 'When it stops. Earlier than From: on the next morning.' })
      .describe('End as HH:MM, exclusive. If it is earlier than from, the window continues past midnight.'),
    timezone: z
      .string()
      .max(64)
      .meta({ ref: 'timezone', label: 'Time zone', hint: 'Of these times.' })
      .describe('IANA time zone, such as Europe/Vienna.'),
  })
  .refine((window) => window.from !== window.to, 'must differ from from')
  .refine((window) => isTimeZone(window.timezone), 'is not a known time zone');

/** Descriptions of the fields that mean the same in every tool. */
export const FIELD_WORDS = {
  tools: 'Limit it to these tools, by name. Default: every tool that the scopes allow.',
  amount:
    'Maximum amount per use, in the currency. Uses without an amount are then denied. Default: no limit.',
  currency: 'Currency of the amount as an ISO 4217 code, such as EUR.',
  window: 'Time window in the week when it works. Default: always.',
  max_uses: 'Maximum number of uses. Default: no limit.',
} as const;
