import type { SimMessage, SimView, SlackPerson } from '#sandbox/slack/index.ts';

const STARTS_LINE = new Set(['rich_text_section', 'rich_text_preformatted', 'actions', 'context']);

/**
 * A message or a form as its reader sees it: every literal text of its blocks, in order, a line for each
 * block and each item.
 */
export function read({ blocks }: Pick<SimMessage | SimView, 'blocks'>): string {
  const texts: string[] = [];
  JSON.parse(JSON.stringify(blocks), (key, value: unknown) => {
    if (key === 'text' && typeof value === 'string') texts.push(value);
    if (key === 'fallback' && typeof value === 'string') texts.push(value);
    if (key === 'type' && STARTS_LINE.has(String(value))) texts.push('\n');
    return value;
  });
  return texts.join('');
}

/** The labels of its buttons, in order. */
export function buttonsOf({ blocks }: Pick<SimMessage, 'blocks'>): string[] {
  const found: string[] = [];
  JSON.parse(JSON.stringify(blocks), (_, value: unknown) => {
    const { type, text } = (value ?? {}) as { type?: unknown; text?: { text?: string } };
    if (type === 'button') found.push(text?.text ?? '');
    return value;
  });
  return found;
}

/** Told to one person alone, beside the messages of a channel. */
export const isToldAlone = (message: SimMessage): boolean => message.ephemeralFor !== null;

/**
 * What this person is told because of `act`: the first new message that fits. On a busy machine it comes
 * after the act is over.
 */
export async function toldBy(
  person: SlackPerson,
  act: () => Promise<unknown>,
  fits: (message: SimMessage) => boolean = isToldAlone,
): Promise<SimMessage> {
  const before = new Set((await person.sees()).map((one) => one.ts));
  await act();
  return person.waitsFor((one) => !before.has(one.ts) && one.user !== person.id && fits(one), 90_000);
}
