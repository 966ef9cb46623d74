import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { holdsPrivateKey } from '#lib/private-key.ts';
import { newId } from '#lib/id.ts';
import { WINDOW_SECONDS } from './transport/request.ts';
import { SLACK_INTAKE } from './queue.ts';
import { findIntake, forgetIntake, saveIntake, spendOnce } from './store.ts';
import { typedIn } from './typed.ts';
import { textIn, type Wire } from './wire.ts';

/**
 * How long a spent key is remembered, in milliseconds: longer than Slack's last repetition and our window on
 * both sides.
 */
const REMEMBER_MS = (2 * WINDOW_SECONDS + 600) * 1000;

/** When another process looks whether this one has finished, in milliseconds. */
const LOOK_AGAIN_MS = 10_000;

/**
 * What a request was taken in as. `id` is null for what is answered in its acknowledgement and leaves nothing
 * to do: menus, events.
 */
export interface Taken {
  readonly id: string | null;
}

/** Requests of Slack's that were taken in and are to be done, once, whatever becomes of this process. */
export interface Intake {
  /**
   * Spends the keys, and writes down what is to be done in the same commit: whoever is acknowledged after it
   * is not forgotten. Null where a key was spent before. What holds a private key is not written down: it is
   * only refused, and that may be lost.
   */
  take(tenantId: string, keys: readonly string[], body: Wire): Promise<Taken | null>;
  /** Runs `work`, which does it, and forgets it after; where `work` throws it is done again later. */
  run(tenantId: string, id: string | null, work: () => Promise<void>): Promise<void>;
  /** A job: does with `work` what a process that died has left. */
  resume(tenantId: string, id: string, work: (body: Wire) => Promise<void>): Promise<void>;
}

/**
 * Opens the intake. What runs in this process is known to it, so that a slow request is not begun a second
 * time beside itself.
 */
export function openIntake(app: App): Intake {
  const running = new Set<string>();

  async function run(tenantId: string, id: string | null, work: () => Promise<void>): Promise<void> {
    if (id === null) return work();
    running.add(id);
    try {
      await work();
      await transact(app, tenantId, (ctx) => forgetIntake(ctx, id));
    } finally {
      running.delete(id);
    }
  }

  return {
    take: (tenantId, keys, body) =>
      transact(app, tenantId, async (ctx) => {
        if (!(await spendOnce(ctx, keys, new Date(ctx.now.getTime() + REMEMBER_MS)))) return null;
        if (!isWork(body) || holdsPrivateKey(body)) return { id: null };
        const id = newId('intake');
        await saveIntake(ctx, id, app.secrets.seal(JSON.stringify(body), sealedAs(id)));
        ctx.enqueue(SLACK_INTAKE, { id }, new Date(Date.now() + LOOK_AGAIN_MS));
        return { id };
      }),
    run,
    resume: async (tenantId, id, work) => {
      const row = await readonly(app, tenantId, (reader) => findIntake(reader, id));
      if (row === null) return;
      if (running.has(id))
        return app.queue.send(
          SLACK_INTAKE,
          { tenant: tenantId, id },
          { startAfter: new Date(Date.now() + LOOK_AGAIN_MS) },
        );
      const body = JSON.parse(app.secrets.unseal(row.sealed, sealedAs(id))) as Wire;
      // What led to a call is done: its messages follow from its rows.
      await run(tenantId, id, () => (row.doneAt === null ? work(body) : Promise.resolve()));
    },
  };
}

/** Commands, clicks, forms and messages to the app: what a person did and is told about later. */
const isWork = (body: Wire): boolean =>
  textIn(body, 'command') !== '' ||
  ['block_actions', 'view_submission'].includes(textIn(body, 'type')) ||
  typedIn(body) !== null;

const sealedAs = (id: string): string => `slack-intake:${id}`;
