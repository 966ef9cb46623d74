/** Hours of the week in which a mandate works, in one time zone. */
export interface MandateWindow {
  /** ISO weekdays, 1 Monday to 7 Sunday. */
  readonly days: readonly number[];
  /** `HH:MM`, inclusive. */
  readonly from: string;
  /** `HH:MM`, exclusive; earlier than `from`: over midnight, counted to the day on which it began. */
  readonly to: string;
  /** IANA time zone: `Europe/Vienna`. */
  readonly timezone: string;
}
