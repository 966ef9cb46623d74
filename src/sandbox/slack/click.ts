import { enter, holdsValue, type Ask } from './enter.ts';
import { checkOptions } from './blocks/check.ts';
import { fieldNamed, fieldsOf, namesOf, stateValues, type Field } from './form.ts';
import { blockActionsPayload, suggestionPayload, type Place } from './payloads.ts';
import { circumstances, inChannel, type Simulation } from './simulation.ts';
import type {
  ClickAnswer,
  ClickOptions,
  ClickTarget,
  FormValue,
  InputValues,
  SimUser,
  SimView,
  Wire,
} from './types.ts';
import { openModals } from './views.ts';
import { watch } from './watch.ts';
import { wordsOf } from './wire.ts';

/** The view as it stands before this person now; throws where it is gone. */
export function standing(sim: Simulation, user: SimUser, viewId: string): SimView {
  const { world } = sim.workspace;
  const view = world.state.views[viewId];
  const open =
    view?.type === 'home'
      ? world.state.homes[user.id] === viewId
      : openModals(world, user.id).at(-1)?.id === viewId;
  if (view === undefined || !open) throw new Error(`${user.name} does not have a view ${viewId} open`);
  return view;
}

/**
 * The options that the app offers for a query; empty where it does not answer in three seconds, or with
 * options that Slack does not take.
 */
export async function suggestions(
  sim: Simulation,
  user: SimUser,
  view: SimView,
  field: Field,
  query: string,
): Promise<Wire[]> {
  if (query.length < Number(field.element['min_query_length'] ?? 3)) return [];
  const payload = suggestionPayload(
    circumstances(sim, user, view.id),
    user,
    view,
    field.blockId,
    field.actionId,
    query,
  );
  const { body } = await sim.send({ kind: 'options', payload });
  if (typeof body !== 'object' || body === null) return [];
  const { options = [], option_groups: groups = [] } = body as {
    options?: Wire[];
    option_groups?: { options: Wire[] }[];
  };
  const offered = [...options, ...groups.flatMap((group) => group.options)];
  if (checkOptions(offered).length > 0) return [];
  const key = placeKey(view, field);
  sim.offered.set(key, [...(sim.offered.get(key) ?? []), ...offered].slice(-1000));
  return offered;
}

const placeKey = (view: SimView, field: Field): string => `${view.id}/${field.blockId}/${field.actionId}`;

/**
 * How a person comes to an option of an external menu: by one that was shown to them before (named by its
 * value), or by typing, which asks the app.
 */
export function asking(sim: Simulation, user: SimUser, view: SimView, field: Field): Ask {
  const { initial_option: initial, initial_options: initials } = field.element;
  return async (query) => {
    const shown = [...(sim.offered.get(placeKey(view, field)) ?? []), ...[initial, initials].flat()] as (
      | Wire
      | undefined
    )[];
    const known = shown.find((option) => option?.['value'] === query);
    return known === undefined ? suggestions(sim, user, view, field, query) : [known];
  };
}

/** Enters values into a view's inputs, each named as `fieldNamed` has it. */
export async function enterAll(
  sim: Simulation,
  user: SimUser,
  view: SimView,
  values: Readonly<Record<string, FormValue>>,
): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    const field = fieldNamed(view, name);
    const state = await enter(field.element, value, asking(sim, user, view, field));
    (view.values[field.blockId] ??= {})[field.actionId] = state;
  }
}

function placeOf(sim: Simulation, user: SimUser, target: ClickTarget, options: ClickOptions): Place {
  if ('rootId' in target) return { view: standing(sim, user, target.id) };
  const { world } = sim.workspace;
  const channel = world.channel(target.channel);
  if (channel === undefined || !world.canSee(user, channel))
    throw new Error(`${user.name} cannot see ${target.channel}`);
  const stored =
    options.staleCopy ??
    world.message(channel.id, target.ts) ??
    world.state.messages.find((one) => one.ts === target.ts && one.ephemeralFor === user.id && !one.deleted);
  if (stored === undefined)
    throw new Error(`${user.name} cannot find the message ${target.channel}/${target.ts}`);
  if (stored.ephemeralFor !== null && stored.ephemeralFor !== user.id)
    throw new Error(`${user.name} cannot see this message`);
  const entered = world.state.messageValues[`${channel.id}:${target.ts}`] ?? {};
  return { message: stored, channel, values: stateValues(stored.blocks, entered) };
}

function fieldIn(place: Place, name: string): Field {
  const fields = fieldsOf('view' in place ? place.view.blocks : place.message.blocks);
  const found =
    fields.find((field) => field.actionId === name) ?? fields.find((field) => namesOf(field).includes(name));
  if (found !== undefined) return found;
  const where = 'view' in place ? `view "${place.view.title}"` : `message "${place.message.text}"`;
  throw new Error(
    `there is no button "${name}" in ${where}. Buttons: ${fields.map((field) => field.label || field.actionId).join(', ') || 'none'}`,
  );
}

/** Where entered values of this place are kept. */
function entriesOf(sim: Simulation, place: Place): InputValues {
  if ('view' in place) return place.view.values;
  return (sim.workspace.world.state.messageValues[`${place.channel.id}:${place.message.ts}`] ??= {});
}

const dialogOf = (element: Wire): ClickAnswer['confirm'] => {
  const dialog = element['confirm'] as Wire | undefined;
  return dialog === undefined
    ? undefined
    : { title: wordsOf(dialog['title']), text: wordsOf(dialog['text']) };
};

/** Clicks an element, or chooses in a menu, as this person: what is stored decides what there is to click. */
export async function click(
  sim: Simulation,
  user: SimUser,
  target: ClickTarget,
  name: string,
  options: ClickOptions,
): Promise<ClickAnswer> {
  const place = placeOf(sim, user, target, options);
  if ('view' in place) await enterAll(sim, user, place.view, options.entered ?? {});
  const field = fieldIn(place, name);
  const confirm = dialogOf(field.element);
  if (confirm !== undefined && options.confirm === false) {
    return { status: 0, body: null, shown: null, ephemerals: [], cancelled: true, confirm };
  }
  const state = holdsValue(field.element) ? await chosen(sim, user, place, field, options) : null;
  if (!field.tells) return { status: 0, body: null, shown: null, ephemerals: [], cancelled: false };
  const at =
    'view' in place
      ? circumstances(sim, user, place.view.id)
      : inChannel(sim, user, place.channel, place.message);
  const current =
    'view' in place
      ? { view: { ...place.view, values: stateValues(place.view.blocks, place.view.values) } }
      : { ...place, values: stateValues(place.message.blocks, entriesOf(sim, place)) };
  const watching = watch(sim.workspace.world, user, 'view' in place ? null : place.channel.id);
  const payload = blockActionsPayload(at, user, current, {
    blockId: field.blockId,
    element: field.element,
    state,
  });
  const { status, body, shown } = await sim.send({ kind: 'interactive', payload });
  const seen = await watching.settle(shown === null ? sim.settleMs : 0);
  return { status, body, shown, ...seen, cancelled: false, ...(confirm === undefined ? {} : { confirm }) };
}

async function chosen(
  sim: Simulation,
  user: SimUser,
  place: Place,
  field: Field,
  options: ClickOptions,
): Promise<Awaited<ReturnType<typeof enter>>> {
  if (options.choose === undefined)
    throw new Error(`"${field.label || field.actionId}" is a menu: pass the option to choose`);
  const inMessage: Ask = () => Promise.reject(new Error('external menus work only in views'));
  const ask = 'view' in place ? asking(sim, user, place.view, field) : inMessage;
  const state = await enter(field.element, options.choose, ask);
  if (field.element['type'] !== 'overflow')
    (entriesOf(sim, place)[field.blockId] ??= {})[field.actionId] = state;
  return state;
}
