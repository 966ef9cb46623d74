import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { Fault } from '#lib/fault.ts';

/** Policies that are decided by together, as Cedar prepares them. */
export interface Prepared {
  /** Equal for equal policies only. */
  readonly id: string;
  /** The texts, by policy id. */
  readonly texts: Readonly<Record<string, string>>;
}

export type CedarQuestion = Omit<Cedar.StatefulAuthorizationCall, 'preparsedPolicySetId'>;

/** An instance of Cedar that is replaced when it breaks, and when it holds too much. */
export interface CedarEngine {
  /** Asks under these policies, which are prepared first where they are not. Throws `EngineBroke` where the instance breaks over it. */
  ask(prepared: Prepared, question: CedarQuestion): Cedar.AuthorizationAnswer;
  /** Prepares what will be asked. Throws an Error with Cedar's own words where it does not parse, and as `ask` does. */
  prepare(prepared: Prepared): void;
  /** Fault `unavailable` while there is no instance that could decide. */
  ready(): void;
}

/** Cedar's WebAssembly broke over these policies; it has been replaced. */
export class EngineBroke extends Error {
  constructor(cause: unknown) {
    super("Cedar's engine broke over these policies", { cause });
    this.name = 'EngineBroke';
  }
}

type Instance = Pick<typeof Cedar, 'preparsePolicySet' | 'statefulIsAuthorized'>;

/** So many characters of policy text are prepared in one instance. */
const MAX_HELD = 8_000_000;

/**
 * Makes one; an instance is opened when it is first needed. Where WebAssembly traps (its stack ran over), every later call of that instance would throw: it is replaced at once, and
 * what was prepared is prepared anew when it is next asked. The same releases memory: Cedar's cache of prepared sets only grows, so an
 * instance that holds more than `max` characters is given up whole.
 */
export function openCedar(max = MAX_HELD, open: () => Instance = freshInstance): CedarEngine {
  let instance: Instance | null = null;
  let held = new Set<string>();
  let weight = 0;

  function replace(): void {
    instance = null;
    held = new Set();
    weight = 0;
    try {
      instance = open();
    } catch {
      // `running` tries again, and `ready` says so meanwhile.
    }
  }

  function running(): Instance {
    if (instance === null) replace();
    if (instance === null)
      throw new Fault('unavailable', 'Nothing can be decided at this moment. Try again in a minute.');
    return instance;
  }

  function guarded<T>(work: (cedar: Instance) => T): T {
    const cedar = running();
    try {
      return work(cedar);
    } catch (error) {
      if (!isTrap(error)) throw error;
      replace();
      throw new EngineBroke(error);
    }
  }

  function prepare(prepared: Prepared): void {
    if (held.has(prepared.id)) return;
    const size = Object.values(prepared.texts).reduce((sum, text) => sum + text.length, 0);
    if (weight > 0 && weight + size > max) replace();
    const answer = guarded((cedar) =>
      cedar.preparsePolicySet(prepared.id, { staticPolicies: { ...prepared.texts } }),
    );
    if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    held.add(prepared.id);
    weight += size;
  }

  return {
    prepare,
    ask: (prepared, question) => {
      prepare(prepared);
      return guarded((cedar) =>
        cedar.statefulIsAuthorized({ ...question, preparsedPolicySetId: prepared.id }),
      );
    },
    ready: () => void running(),
  };
}

/** Whether the instance is broken for good, and not only this call: WebAssembly trapped, or the stack of this thread ran over inside of it. */
export const isTrap = (error: unknown): boolean =>
  error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');

const require = createRequire(import.meta.url);

/** Cedar's package is one instance for each time that it is loaded: this loads it again, and leaves it to nobody else. */
function freshInstance(): Instance {
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  delete require.cache[path];
  const loaded = require(path) as Instance;
  delete require.cache[path];
  return loaded;
}
