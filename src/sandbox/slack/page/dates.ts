import { html, type Html } from './html.ts';

/**
 * A moment by Slack's date tokens (docs.slack.dev, "Date formatting"), in a time zone: the reader's own where
 * none is given. Holds everything that it needs, because its text is part of the page's script too.
 */
export function slackDate(seconds: number, format: string, now: number, timeZone?: string): string {
  const at = new Date(seconds * 1000);
  const drawn = (options: Intl.DateTimeFormatOptions, of: Date = at): string =>
    new Intl.DateTimeFormat('en-US', { ...(timeZone === undefined ? {} : { timeZone }), ...options })
      .format(of)
      .replaceAll('\u202f', ' ');
  const dayOf = (of: Date): number => {
    const [month = 1, day = 1, year = 1970] = drawn({ year: 'numeric', month: 'numeric', day: 'numeric' }, of)
      .split('/')
      .map(Number);
    return Date.UTC(year, month - 1, day) / 86_400_000;
  };
  const [number, year] = [drawn({ day: 'numeric' }), drawn({ year: 'numeric' })];
  const ending = /1\d$/.test(number)
    ? 'th'
    : (({ 1: 'st', 2: 'nd', 3: 'rd' } as Record<string, string>)[number.at(-1) ?? ''] ?? 'th');
  const date = `${drawn({ month: 'long' })} ${number}${ending}, ${year}`;
  const words: Record<string, string> = {
    date,
    date_num: `${year}-${drawn({ month: '2-digit' })}-${drawn({ day: '2-digit' })}`,
    date_short: `${drawn({ month: 'short' })} ${number}, ${year}`,
    date_long: `${drawn({ weekday: 'long' })}, ${date}`,
    time: drawn({ hour: 'numeric', minute: '2-digit' }),
    time_secs: drawn({ hour: 'numeric', minute: '2-digit', second: '2-digit' }),
  };
  const near = ['yesterday', 'today', 'tomorrow'][dayOf(at) - dayOf(new Date(now)) + 1];
  return format.replace(/\{(\w+)\}/g, (whole, token: string) => {
    const plain = token.replace(/_pretty$/, '');
    return (token !== plain && near !== undefined ? near : words[plain]) ?? whole;
  });
}

/**
 * A moment on the page. The page's script puts it into the time zone of the browser, as Slack's clients do;
 * until then it is in UTC, and says so.
 */
export const momentOf = (seconds: number, format: string): Html =>
  html`<time
    class="moment"
    datetime="${new Date(seconds * 1000).toISOString()}"
    data-seconds="${seconds}"
    data-format="${format}"
    >${slackDate(seconds, format, Date.now(), 'UTC')} UTC</time
  >`;
