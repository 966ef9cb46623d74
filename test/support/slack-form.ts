import type { SimView, SlackPerson } from '#sandbox/slack/types.ts';

/** An open form with all of its fields: what waits behind *More options* is shown. */
export async function unfolded(person: SlackPerson, view: SimView): Promise<SimView> {
  if (!view.blocks.some(({ block_id: id }) => id === 'more')) return view;
  const { view: all } = await person.clicks(view, 'More options');
  if (all === undefined || all.id !== view.id) throw new Error(`${view.title} does not unfold`);
  return all;
}
