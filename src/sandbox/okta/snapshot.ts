import { readFile, rename, writeFile } from 'node:fs/promises';
import type { AppRecord, GroupRecord, OktaOrg } from './types.ts';

const VERSION = 1;
const DEBOUNCE_MS = 200;

/**
 * The org as JSON text. It includes signing keys and the service app's private key, so a state file is
 * secret.
 */
export function serializeOrg(org: OktaOrg): string {
  return JSON.stringify({
    version: VERSION,
    users: [...org.users.values()],
    groups: [...org.groups.values()].map((group) => ({ ...group, members: [...group.members] })),
    apps: [...org.apps.values()].map((app) => ({
      ...app,
      groups: [...app.groups],
      users: [...app.users.values()],
    })),
    log: org.log,
    serviceApp: org.serviceApp,
    keys: org.keys,
    usedAssertions: [...org.usedAssertions],
    scimTarget: org.scimTarget,
    scimGroups: [...org.scimGroups],
  });
}

interface Stored extends Omit<OktaOrg, 'users' | 'groups' | 'apps' | 'usedAssertions' | 'scimGroups'> {
  readonly version: number;
  readonly users: Parameters<typeof byId>[0];
  readonly groups: (Omit<GroupRecord, 'members'> & { members: string[] })[];
  readonly apps: (Omit<AppRecord, 'groups' | 'users'> & {
    groups: string[];
    users: AppRecord['users'] extends Map<string, infer U> ? U[] : never;
  })[];
  readonly usedAssertions: [string, number][];
  readonly scimGroups: [string, string][];
}

const byId = <T extends (OktaOrg['users'] extends Map<string, infer U> ? U : never)>(
  users: T[],
): Map<string, T> => new Map(users.map((user) => [user.id, user]));

/**
 * The org from the text of `serializeOrg`. Throws an Error for another version. Does not validate the
 * content.
 */
export function parseOrg(text: string): OktaOrg {
  const stored = JSON.parse(text) as Stored;
  if (stored.version !== VERSION)
    throw new Error(
      `the state file has version ${String(stored.version)}, but this simulator reads version ${VERSION}`,
    );
  const { version: _version, ...rest } = stored;
  return {
    ...rest,
    users: byId(stored.users),
    groups: new Map(stored.groups.map((group) => [group.id, { ...group, members: new Set(group.members) }])),
    apps: new Map(
      stored.apps.map((app) => [
        app.id,
        { ...app, groups: new Set(app.groups), users: new Map(app.users.map((each) => [each.id, each])) },
      ]),
    ),
    usedAssertions: new Map(stored.usedAssertions),
    scimGroups: new Map(stored.scimGroups),
  };
}

/** The org from a state file, or null if the file does not exist. */
export async function loadOrg(file: string): Promise<OktaOrg | null> {
  try {
    return parseOrg(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Saves an org shortly after it changes, never twice at once, and atomically (write, then rename). */
export class SnapshotWriter {
  readonly #file: string | undefined;
  readonly #org: OktaOrg;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string | undefined, org: OktaOrg) {
    this.#file = file;
    this.#org = org;
  }

  /** Saves within 200 ms. Several calls lead to one write. */
  schedule(): void {
    if (this.#file === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // The next change or `flush` tries again, and `flush` reports the error.
      this.#save().catch(() => undefined);
    }, DEBOUNCE_MS);
    this.#timer.unref();
  }

  /** Saves now. Rejects if the file cannot be written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#file !== undefined) await this.#save();
  }

  async #save(): Promise<void> {
    const file = this.#file!;
    const write = async (): Promise<void> => {
      const draft = `${file}.${process.pid}.tmp`;
      await writeFile(draft, serializeOrg(this.#org), { mode: 0o600 });
      await rename(draft, file);
    };
    this.#writing = this.#writing.catch(() => undefined).then(write);
    await this.#writing;
  }
}
