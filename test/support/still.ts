import type { App } from '#engine/app.ts';

/** The same app, but nobody runs its jobs: what is ready stays ready until the test runs it. */
export const still = (app: App): App => ({
  ...app,
  queue: {
    ...app.queue,
    enqueue: () => Promise.resolve(),
    enqueueAll: () => Promise.resolve(),
    send: () => Promise.resolve(),
  },
});
