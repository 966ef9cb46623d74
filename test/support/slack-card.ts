import type { SlackPerson } from '#sandbox/slack/types.ts';

/** What a person's command is answered with that waits for *Send request*: in the answer itself, or on a busy machine a moment after it. */
export async function previewOf(person: SlackPerson, command: string): ReturnType<SlackPerson['waitsFor']> {
  const typed = await person.types(command);
  // One that was sent shows its button no more.
  return (
    typed.ephemerals[0] ??
    person.waitsFor((one) => JSON.stringify(one.blocks).includes('Send request'), 90_000)
  );
}
