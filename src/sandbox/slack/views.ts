import type { KnownBlock } from '@slack/types';
import { fieldsOf } from './form.ts';
import { APP } from './seed.ts';
import type { SimView, Wire } from './types.ts';
import { stringOf } from './wire.ts';
import type { World } from './world.ts';

/** Slack's limit of modals that stand on one another. */
export const MAX_MODAL_DEPTH = 3;

const wireText = (value: unknown): string | null =>
  typeof value === 'object' && value !== null && 'text' in value ? String(value.text) : null;

function contents(
  world: World,
  view: Wire,
): Omit<SimView, 'id' | 'user' | 'rootId' | 'previousId' | 'values'> {
  return {
    type: view['type'] === 'home' ? 'home' : 'modal',
    hash: `${Math.floor(world.now() / 1000)}.${world.id('', 4)}`,
    title: wireText(view['title']) ?? '',
    submit: wireText(view['submit']),
    close: wireText(view['close']),
    callbackId: stringOf(view['callback_id']),
    externalId: stringOf(view['external_id']),
    privateMetadata: stringOf(view['private_metadata']),
    notifyOnClose: view['notify_on_close'] === true,
    clearOnClose: view['clear_on_close'] === true,
    blocks: world.named((view['blocks'] ?? []) as KnownBlock[]),
  };
}

function add(
  world: World,
  user: string,
  view: Wire,
  root: SimView | null,
  previous: SimView | null,
): SimView {
  const id = world.id('V', 5);
  const added: SimView = {
    ...contents(world, view),
    id,
    user,
    rootId: root?.id ?? id,
    previousId: previous?.id ?? null,
    values: {},
  };
  world.state.views[id] = added;
  return added;
}

const shown = (world: World, view: SimView): SimView => {
  world.emit('effect', { kind: view.type === 'home' ? 'home' : 'view', users: [view.user] });
  world.changed();
  return view;
};

/** The modals that stand open before this person, topmost last. */
export function openModals(world: World, user: string): readonly SimView[] {
  return (world.state.stacks[user] ?? []).flatMap((id) => world.state.views[id] ?? []);
}

/** Opens a modal as the only one. The view has been checked. */
export function openModal(world: World, user: string, view: Wire): SimView {
  const opened = add(world, user, view, null, null);
  world.state.stacks[user] = [opened.id];
  return shown(world, opened);
}

/** Puts a modal on top of those that stand open; the caller holds the depth limit. */
export function pushModal(world: World, user: string, view: Wire): SimView {
  const below = openModals(world, user);
  const pushed = add(world, user, view, below[0] ?? null, below.at(-1) ?? null);
  world.state.stacks[user] = [...below.map((one) => one.id), pushed.id];
  return shown(world, pushed);
}

/** Replaces what a view shows. What was entered stays for inputs that keep their block_id and action_id. */
export function replaceView(world: World, target: SimView, view: Wire): SimView {
  Object.assign(target, contents(world, view));
  const kept = new Set(fieldsOf(target.blocks).map(({ blockId, actionId }) => `${blockId}/${actionId}`));
  for (const [blockId, states] of Object.entries(target.values)) {
    for (const actionId of Object.keys(states))
      if (!kept.has(`${blockId}/${actionId}`)) delete states[actionId];
    if (Object.keys(states).length === 0) delete target.values[blockId];
  }
  return shown(world, target);
}

/** Closes the topmost modal, or all of them. */
export function closeModals(world: World, user: string, all = false): void {
  const stack = world.state.stacks[user] ?? [];
  const kept = all ? [] : stack.slice(0, -1);
  for (const id of stack.slice(kept.length)) delete world.state.views[id];
  world.state.stacks[user] = kept;
  world.emit('effect', { kind: 'view', users: [user] });
  world.changed();
}

/** Publishes a person's Home tab, replacing what stood there. */
export function publishHome(world: World, user: string, view: Wire): SimView {
  const id = world.state.homes[user];
  const existing = id === undefined ? undefined : world.state.views[id];
  if (existing !== undefined) return replaceView(world, existing, view);
  const published = add(world, user, view, null, null);
  world.state.homes[user] = published.id;
  return shown(world, published);
}

/** A view as Slack sends it in API answers and interaction payloads. */
export function wireView(view: SimView, teamId: string, appId: string): Wire {
  const text = (value: string | null): Wire | null =>
    value === null ? null : { type: 'plain_text', text: value, emoji: true };
  return {
    id: view.id,
    team_id: teamId,
    type: view.type,
    blocks: view.blocks,
    private_metadata: view.privateMetadata,
    callback_id: view.callbackId,
    state: { values: view.values },
    hash: view.hash,
    title: text(view.title),
    clear_on_close: view.clearOnClose,
    notify_on_close: view.notifyOnClose,
    close: text(view.close),
    submit: text(view.submit),
    previous_view_id: view.previousId,
    root_view_id: view.rootId,
    app_id: appId,
    external_id: view.externalId,
    app_installed_team_id: teamId,
    bot_id: APP.botId,
  };
}
