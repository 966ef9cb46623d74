import { click, standing, suggestions } from './click.ts';
import { sendCommand, sendMessage } from './command.ts';
import { seenOption } from './enter.ts';
import { fieldNamed } from './form.ts';
import { eventPayload } from './payloads.ts';
import type { Simulation } from './simulation.ts';
import { cancel, submit } from './submit.ts';
import type { SimMessage, SimUser, SlackPerson } from './types.ts';
import { openModals } from './views.ts';
import { watch } from './watch.ts';

/** What this person can see now, oldest first. */
function visible({ workspace: { world } }: Simulation, user: SimUser): SimMessage[] {
  return world.state.messages.filter((message) => {
    if (message.deleted) return false;
    if (message.ephemeralFor !== null) return message.ephemeralFor === user.id;
    const channel = world.channel(message.channel);
    return channel !== undefined && world.canSee(user, channel);
  });
}

/**
 * A person of the workspace at Slack's client, in this process. What is returned are copies: later edits do
 * not change them.
 */
export function personIn(sim: Simulation, user: SimUser): SlackPerson {
  const { world } = sim.workspace;
  const sees = (): readonly SimMessage[] => structuredClone(visible(sim, user));
  return {
    id: user.id,
    async types(text, channelName) {
      const channel = channelName === undefined ? world.directMessage(user.id) : world.channel(channelName);
      if (channel === undefined || !world.canSee(user, channel))
        throw new Error(`${user.name} cannot see ${String(channelName)}`);
      return text.trim().startsWith('/')
        ? sendCommand(sim, user, channel, text)
        : sendMessage(sim, user, channel, text);
    },
    sees: async () => sees(),
    async inbox() {
      const { id } = world.directMessage(user.id);
      return sees().filter((message) => message.channel === id);
    },
    waitsFor: (predicate, ms = 60_000) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = sees().find(predicate);
          if (found !== undefined) finish(() => resolve(found));
        };
        const timer = setTimeout(
          () =>
            finish(() =>
              reject(
                new Error(
                  `${user.name} saw no such message within ${ms} ms; saw: ${sees()
                    .slice(-5)
                    .map((one) => one.text)
                    .join(' | ')}`,
                ),
              ),
            ),
          ms,
        );
        const finish = (done: () => void): void => {
          clearTimeout(timer);
          world.off('effect', look);
          done();
        };
        world.on('effect', look);
        look();
      }),
    clicks: (target, name, options = {}) => click(sim, user, target, name, options),
    fills: (view, values) => ({
      submits: () => submit(sim, user, view.id, values),
      clicks: (name, options = {}) => click(sim, user, view, name, { ...options, entered: values }),
      cancels: () => cancel(sim, user, view.id),
    }),
    async choosesOption(view, name, query) {
      const stored = standing(sim, user, view.id);
      const options = await suggestions(sim, user, stored, fieldNamed(stored, name), query);
      return options.map(seenOption);
    },
    async opensHome() {
      const channel = world.directMessage(user.id);
      const watching = watch(world, user, null);
      const at = { ...sim.workspace, verificationToken: sim.verificationToken };
      const event = {
        type: 'app_home_opened',
        user: user.id,
        channel: channel.id,
        tab: 'home',
        event_ts: world.ts(),
      };
      await sim.send({ kind: 'event', payload: eventPayload(at, event, world.now()) });
      await watching.settle(sim.settleMs);
      const home = world.state.views[world.state.homes[user.id] ?? ''];
      return home === undefined ? null : structuredClone(home);
    },
    modal: async () => structuredClone(openModals(world, user.id).at(-1) ?? null),
  };
}
