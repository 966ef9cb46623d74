import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { Fault } from '#lib/fault.ts';

/** A set of policies that Cedar parses ahead of time. */
export interface Prepared {
  /** Identifies the set: only equal policies may share an id. */
  readonly id: string;
  /** The texts, by policy id. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A question for Cedar, without the policies that it is asked under. */
export type CedarQuestion = Omit<Cedar.StatefulAuthorizationCall, 'preparsedPolicySetId'>;

/** A Cedar instance that is replaced when it breaks or holds too much. */
export interface CedarEngine {
  /**
   * Asks under these policies, and prepares them first if needed. Throws `EngineBroke` if the instance
   * breaks.
   */
  ask(prepared: Prepared, question: CedarQuestion): Cedar.AuthorizationAnswer;
  /**
   * Prepares policies ahead of the first question. Throws an Error with Cedar's message if they do not parse,
   * and as `ask` does.
   */
  prepare(prepared: Prepared): void;
  /**
   * Frees the memory of the policies with this id, if any. They are prepared again if they are asked once
   * more.
   */
  release(id: string): void;
  /** Throws Fault `unavailable` while no instance can decide. */
  ready(): void;
}

/** Cedar's WebAssembly broke on these policies. The instance has been replaced. */
export class EngineBroke extends Error {
  constructor(cause: unknown) {
    super('Cedar failed to load these policies', { cause });
    this.name = 'EngineBroke';
  }
}

type Instance = Pick<typeof Cedar, 'preparsePolicySet' | 'statefulIsAuthorized'>;

// How many characters of policy text one instance may hold.
const MAX_HELD = 8_000_000;

/**
 * Creates an engine, which opens its instance on first use.
 *
 * When WebAssembly traps (a stack overflow), every later call of that instance would throw. It is replaced at
 * once, and policies are prepared again when they are next asked. An instance is also discarded before it
 * would hold more than `max` characters, because Cedar removes nothing by itself.
 */
export function openCedar(max = MAX_HELD, open: () => Instance = freshInstance): CedarEngine {
  let instance: Instance | null = null;
  /** The number of characters by the id of the set. */
  let held = new Map<string, number>();
  let weight = 0;

  function replace(): void {
    instance = null;
    held = new Map();
    weight = 0;
    try {
      instance = open();
    } catch {
      // `ensureRunning` tries again, and `ready` throws until it succeeds.
    }
  }

  function ensureRunning(): Instance {
    if (instance === null) replace();
    if (instance === null)
      throw new Fault('unavailable', 'Policies cannot be evaluated at the moment. Try again in a minute.');
    return instance;
  }

  function guarded<T>(work: (cedar: Instance) => T): T {
    const cedar = ensureRunning();
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
    held.set(prepared.id, size);
    weight += size;
  }

  /**
   * Cedar has no call for this, but a set replaces the one with the same id, and an empty one weighs nothing.
   */
  function release(id: string): void {
    const size = held.get(id);
    if (size === undefined || instance === null) return;
    held.delete(id);
    weight -= size;
    instance.preparsePolicySet(id, { staticPolicies: {} });
  }

  return {
    prepare,
    release,
    ask: (prepared, question) => {
      prepare(prepared);
      return guarded((cedar) =>
        cedar.statefulIsAuthorized({ ...question, preparsedPolicySetId: prepared.id }),
      );
    },
    ready: () => void ensureRunning(),
  };
}

/**
 * Whether the instance is broken for good: WebAssembly trapped, or this thread's stack overflowed inside it.
 */
export const isTrap = (error: unknown): boolean =>
  error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');

const require = createRequire(import.meta.url);

/**
 * Loads Cedar's package once more, which creates a new instance. Leaves it out of the module cache, so
 * nothing else shares it.
 */
function freshInstance(): Instance {
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  delete require.cache[path];
  const loaded = require(path) as Instance;
  delete require.cache[path];
  return loaded;
}
