import type { SlackPerson } from '#sandbox/slack/types.ts';

/**
 * The preview with *Send request* that answers a person's command: in the answer itself or, on a busy
 * machine, a moment later.
 */
export async function previewOf(person: SlackPerson, command: string): ReturnType<SlackPerson['waitsFor']> {
  const typed = await person.types(command);
  // A preview that was sent no longer shows its button.
  return (
    typed.ephemerals[0] ??
    person.waitsFor((one) => JSON.stringify(one.blocks).includes('Send request'), 90_000)
  );
}
