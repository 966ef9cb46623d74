import { seedUsers } from './seed.ts';
import type { ClickTarget, SimMessage, SimView, SlackPerson, SubmitAnswer } from './types.ts';

const POLL_MS = 100;

/** How a click's target is named over HTTP. */
const named = (target: ClickTarget): Record<string, string> =>
  'rootId' in target ? { view_id: target.id } : { channel: target.channel, ts: target.ts };

/**
 * People of a simulator that runs in another process: the same `SlackPerson` as in the process, over
 * `/_sandbox`. `as` does not ask whether the person exists; the first act does. Refused acts reject with the
 * simulator's words.
 */
export function slackDriver(url: string): { as(userIdOrKey: string): SlackPerson } {
  const ask = async <T>(path: string, body?: unknown): Promise<T> => {
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const response = await fetch(`${url}/_sandbox${path}`, body === undefined ? {} : post);
    const answer = (await response.json()) as T | { error: string };
    if (response.ok) return answer as T;
    throw new Error((answer as { error: string }).error);
  };
  const known = seedUsers();
  return {
    as(user) {
      const mine = `/as/${encodeURIComponent(user)}`;
      const sees = (): Promise<readonly SimMessage[]> => ask(`${mine}/messages`);
      return {
        id: known.find((one) => one.name === user)?.id ?? user,
        sees,
        types: (text, channel) => ask(`${mine}/types`, { text, channel }),
        inbox: () => ask(`${mine}/inbox`),
        async waitsFor(predicate, ms = 60_000) {
          const until = performance.now() + ms;
          for (;;) {
            const found = (await sees()).find(predicate);
            if (found !== undefined) return found;
            if (performance.now() > until)
              throw new Error(`${user} did not see such a message within ${ms} ms (slow machine?)`);
            await new Promise((resolve) => setTimeout(resolve, POLL_MS));
          }
        },
        clicks: (target, button, options) => ask(`${mine}/clicks`, { ...named(target), button, options }),
        fills: (view, values) => ({
          submits: () => ask<SubmitAnswer>(`${mine}/fills`, { view_id: view.id, values }),
          clicks: (button, options) =>
            ask(`${mine}/clicks`, { ...named(view), button, options: { ...options, entered: values } }),
          async cancels() {
            await ask(`${mine}/cancels`, { view_id: view.id });
          },
        }),
        choosesOption: (view, block, query) =>
          ask(`${mine}/options`, { view_id: view.id, block_id: block, query }),
        opensHome: () => ask<SimView | null>(`${mine}/home`, {}),
        modal: () => ask<SimView | null>(`/views/${encodeURIComponent(user)}`),
      };
    },
  };
}
