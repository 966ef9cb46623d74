import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { seedChannels, seedUserGroups, seedUsers } from './seed.ts';
import type { World, WorldState } from './world.ts';

/** A fresh workspace with the sample company's people, and secrets that nobody else has. */
export function freshState(secrets: {
  signingSecret?: string | undefined;
  botToken?: string | undefined;
}): WorldState {
  const users = seedUsers();
  return {
    signingSecret: secrets.signingSecret ?? randomBytes(16).toString('hex'),
    botToken: secrets.botToken ?? `xoxb-sandbox-${randomBytes(12).toString('hex')}`,
    users,
    channels: seedChannels(users),
    userGroups: seedUserGroups(),
    messages: [],
    views: {},
    stacks: {},
    homes: {},
    triggers: {},
    responses: {},
    messageValues: {},
    counter: 0,
  };
}

/**
 * The workspace as a file left it, or null where there is no file. A damaged file throws: deleting it starts
 * afresh.
 */
export function readSnapshot(file: string | undefined): WorldState | null {
  if (file === undefined || !existsSync(file)) return null;
  return JSON.parse(readFileSync(file, 'utf8')) as WorldState;
}

/**
 * Writes the workspace to a file soon after each change, and at once when asked; readable by its owner only,
 * since it holds the secrets. The file is replaced whole: a crash leaves the old one or the new one.
 */
export function keepSnapshot(world: World, file: string | undefined): { flush(): void; stop(): void } {
  if (file === undefined) return { flush: () => undefined, stop: () => undefined };
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(world.state), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const changed = (): void => {
    timer ??= setTimeout(flush, 200).unref();
  };
  world.on('change', changed);
  return {
    flush,
    stop: () => {
      world.off('change', changed);
      flush();
    },
  };
}
