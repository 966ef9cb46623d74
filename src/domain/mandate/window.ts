/** The hours of the week in which a mandate works, in one time zone. */
export interface MandateWindow {
  /** ISO weekdays, 1 Monday to 7 Sunday. */
  readonly days: readonly number[];
  /** `HH:MM`, inclusive. */
  readonly from: string;
  /** `HH:MM`, exclusive. A time before `from` is on the next day; those hours count to the day of `from`. */
  readonly to: string;
  /** IANA time zone: `Europe/Vienna`. */
  readonly timezone: string;
}

/** The format of `from` and `to`. */
export const CLOCK_TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/**
 * Whether the window is open at an instant. Null if it cannot be evaluated (unknown time zone,
 * invalid time); callers must treat null as a no. The instant is converted to the zone's own
 * calendar, so an hour that a clock change repeats is open twice, and an hour that it skips never
 * opens. Source: ECMA-402 `Intl.DateTimeFormat`, with the runtime's zone data.
 */
export function windowOpen(window: MandateWindow, at: Date): boolean | null {
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  const local = localTime(window.timezone, at);
  if (from === null || to === null || local === null) return null;
  const on = (day: number) => window.days.includes(day);
  if (from < to) return on(local.day) && local.minutes >= from && local.minutes < to;
  if (from === to) return false;
  const dayBefore = local.day === 1 ? 7 : local.day - 1;
  return (on(local.day) && local.minutes >= from) || (on(dayBefore) && local.minutes < to);
}

/** Whether this runtime knows the time zone. */
export const isTimeZone = (timezone: string): boolean => clockOf(timezone) !== null;

/**
 * Whether every instant of `inner` lies in `outer`. Returns false if comparing the fields does not
 * prove it: for another time zone, and for most windows over midnight.
 */
export function windowWithin(inner: MandateWindow, outer: MandateWindow): boolean {
  if (inner.timezone !== outer.timezone) return false;
  if (!inner.days.every((day) => outer.days.includes(day))) return false;
  if (inner.from === outer.from && inner.to === outer.to) return true;
  // The alphabetical order of `HH:MM` texts is the order of the times.
  const overNight = (window: MandateWindow) => window.to <= window.from;
  return !overNight(inner) && !overNight(outer) && inner.from >= outer.from && inner.to <= outer.to;
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** The window in words: `on Mon, Tue, Fri from 08:00 to 17:00 (Europe/Vienna)`. */
export const windowWords = (window: MandateWindow): string =>
  `on ${[...window.days]
    .sort((a, b) => a - b)
    .map((day) => DAYS[day - 1] ?? day)
    .join(', ')} from ${window.from} to ${window.to} (${window.timezone})`;

function minutesOf(text: string): number | null {
  if (!CLOCK_TIME.test(text)) return null;
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

function localTime(timezone: string, at: Date): { day: number; minutes: number } | null {
  const clock = clockOf(timezone);
  if (clock === null || Number.isNaN(at.getTime())) return null;
  const parts = new Map(clock.formatToParts(at).map((part) => [part.type, part.value]));
  const day = DAYS.indexOf(parts.get('weekday') ?? '') + 1;
  const minutes = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  return day === 0 || Number.isNaN(minutes) ? null : { day, minutes };
}

const clocks = new Map<string, Intl.DateTimeFormat | null>();

/**
 * Creating a formatter costs far more than using it. The cache is bounded, because callers choose the text.
 */
function clockOf(timezone: string): Intl.DateTimeFormat | null {
  const known = clocks.get(timezone);
  if (known !== undefined) return known;
  if (clocks.size > 1000) clocks.clear();
  let clock: Intl.DateTimeFormat | null = null;
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    // RangeError: there is no such zone, so the answer is null.
  }
  clocks.set(timezone, clock);
  return clock;
}
