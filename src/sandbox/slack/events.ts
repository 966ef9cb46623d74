import type { Delivery } from './delivery.ts';
import { eventPayload } from './payloads.ts';
import type { Simulation } from './simulation.ts';
import type { Wire } from './types.ts';

/** When Slack tries again after an event was not answered with 2xx: at once, after a minute, after five. */
const RETRY_DELAYS_MS = [0, 60_000, 300_000];

/** Sends an event, and again as Slack does where the app does not take it. */
export interface EventSender {
  /** The first delivery's answer; retries run on in the background with the same `event_id`. */
  emit(event: Wire): Promise<Delivery>;
  /** Gives up what is still to be tried again. */
  stop(): void;
}

const taken = ({ status, headers }: Delivery): boolean =>
  (status >= 200 && status < 300) || headers['x-slack-no-retry'] === '1';

/** The Events API's sender for one app. */
export function eventSender(sim: Simulation): EventSender {
  const timers = new Set<NodeJS.Timeout>();
  const again = (payload: Wire, reason: string, num: number): void => {
    const delay = RETRY_DELAYS_MS[num - 1];
    if (delay === undefined) return;
    const attempt = async (): Promise<void> => {
      timers.delete(timer);
      const delivery = await sim.send({ kind: 'event', payload, retry: { num, reason } });
      if (!taken(delivery)) again(payload, reasonOf(delivery), num + 1);
    };
    const timer = setTimeout(() => void attempt(), delay);
    timers.add(timer.unref());
  };
  return {
    async emit(event) {
      const { workspace, verificationToken } = sim;
      const payload = eventPayload(
        { ...workspace, verificationToken },
        { event_ts: workspace.world.ts(), ...event },
        workspace.world.now(),
      );
      const delivery = await sim.send({ kind: 'event', payload });
      if (!taken(delivery)) again(payload, reasonOf(delivery), 1);
      return delivery;
    },
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

const reasonOf = ({ status, shown }: Delivery): string =>
  shown === 'operation_timeout' ? 'http_timeout' : status === 0 ? 'connection_failed' : 'http_error';
