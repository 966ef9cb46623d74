import type { Directory } from '#domain/provider.ts';
import type { App } from '#engine/app.ts';
import type { World } from './world.ts';

/** A point at which code waits until the test opens it. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();

  /** Resolves when something waits at the gate. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }

  /** Waits until the gate is open. An open gate stays open. */
  async pass(): Promise<void> {
    this.#reached.resolve();
    await this.#opened.promise;
  }
}

/** The same app with directory answers that `change` replaces. */
export function withDirectory(app: App, change: (real: Directory) => Partial<Directory>): App {
  return {
    ...app,
    provider: async (tenantId) => {
      const link = await app.provider(tenantId);
      return { ...link, directory: { ...link.directory, ...change(link.directory) } };
    },
  };
}

/** The same app, in which pages of people wait at the gate after Okta has sent them. */
export const latePages = (app: App, gate: Gate): App =>
  withDirectory(app, (real) => ({
    async *people(signal) {
      for await (const page of real.people(signal)) {
        await gate.pass();
        yield page;
      }
    },
  }));

/** The same app, in which reads of this person by id wait at the gate after Okta has answered. */
export const latePerson = (app: App, uid: string, gate: Gate): App =>
  withDirectory(app, (real) => ({
    person: async (asked, signal) => {
      const found = await real.person(asked, signal);
      if (asked === uid) await gate.pass();
      return found;
    },
  }));

let hired = 0;

/** Adds a new person to the simulated Okta and returns their id. */
export function hire(
  world: World,
  login: string,
  profile: Readonly<Record<string, unknown>> = {},
  status: 'ACTIVE' | 'DEPROVISIONED' = 'ACTIVE',
): string {
  const [model] = world.okta.org.users.values();
  if (model === undefined) throw new Error('Okta has nobody');
  hired += 1;
  const id = `00uhired${String(hired).padStart(9, '0')}h7`;
  world.okta.org.users.set(id, {
    ...structuredClone(model),
    id,
    status,
    profile: { login, email: login, firstName: login.split('@')[0], lastName: 'Hired', ...profile },
    factors: [],
    roles: [],
    sessions: [],
    scim: null,
  });
  return id;
}
