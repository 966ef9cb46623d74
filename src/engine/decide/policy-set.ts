import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { sha256 } from '#lib/crypto.ts';
import type { Catalogue, CatalogueEntry } from '../catalogue.ts';
import { EngineBroke, type CedarEngine, type CedarQuestion, type Prepared } from './engine.ts';
import type { Parsed, Policy } from './parse.ts';
import { actionParents } from './schema.ts';

/** The policies that can matter for one tool. A forbid for all actions is in every tool's set. */
export interface ToolPolicies {
  /** SHA-256 of the policy ids and texts, in order. */
  readonly digest: string;
  readonly policies: ReadonlyMap<string, Policy>;
  /**
   * Cedar's answer. If Cedar breaks on a tenant's text, the policies that stay answer, from then on alone.
   */
  ask(question: CedarQuestion): cedar.AuthorizationAnswer;
}

/** The policies of one text, together with those that stay. */
export interface PolicySet {
  readonly all: readonly Policy[];
  /**
   * Why the tenant's text decides nothing and only the policies that stay do, in words. Null if all of it
   * decides.
   */
  readonly problem: string | null;
  forTool(tool: string): ToolPolicies;
}

/**
 * The shipped policies, prepared for each tool separately, which halves the time of a decision. If Cedar
 * breaks, it is asked once more in a new instance.
 */
export function shippedSet(
  engine: CedarEngine,
  parsed: readonly Parsed[],
  catalogue: Catalogue,
): PolicySet & { prepare(): void } {
  const all: Prepared[] = [];
  const sets = new Map(
    catalogue.all.map((entry) => {
      const matching = selectFor(entry, parsed);
      const digest = digestOf(matching);
      const prepared = { id: digest, texts: textsOf(matching) };
      all.push(prepared);
      const ask = (question: CedarQuestion) => {
        try {
          return engine.ask(prepared, question);
        } catch (error) {
          if (error instanceof EngineBroke) return engine.ask(prepared, question);
          throw error;
        }
      };
      return [entry.tool.name, { digest, policies: byId(matching), ask }];
    }),
  );
  return {
    all: parsed.map(({ policy }) => policy),
    problem: null,
    forTool: (tool) => findSet(sets, tool),
    prepare: () => all.forEach((policies) => engine.prepare(policies)),
  };
}

/**
 * A tenant's text, prepared once as a whole; policies about other actions do not match. `broke` answers if
 * Cedar breaks on it.
 */
export function ownSet(
  engine: CedarEngine,
  parsed: readonly Parsed[],
  digest: string,
  catalogue: Catalogue,
  broke: (tool: string, question: CedarQuestion) => cedar.AuthorizationAnswer,
): PolicySet {
  const prepared = { id: digest, texts: textsOf(parsed) };
  const sets = new Map(
    catalogue.all.map((entry) => {
      const matching = selectFor(entry, parsed);
      const ask = (question: CedarQuestion) => {
        try {
          return engine.ask(prepared, question);
        } catch (error) {
          if (error instanceof EngineBroke) return broke(entry.tool.name, question);
          throw error;
        }
      };
      return [entry.tool.name, { digest: digestOf(matching), policies: byId(matching), ask }];
    }),
  );
  return { all: parsed.map(({ policy }) => policy), problem: null, forTool: (tool) => findSet(sets, tool) };
}

function findSet(sets: ReadonlyMap<string, ToolPolicies>, tool: string): ToolPolicies {
  const set = sets.get(tool);
  if (set === undefined) throw new Error(`no policies were prepared for ${tool}`);
  return set;
}

function selectFor(entry: CatalogueEntry, parsed: readonly Parsed[]): Parsed[] {
  const names = new Set([entry.tool.name, ...actionParents(entry)]);
  return parsed.filter(({ action }) => {
    if (action.op === 'All') return true;
    const list = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : [];
    return list.some((uid) => names.has('__entity' in uid ? uid.__entity.id : uid.id));
  });
}

const digestOf = (parsed: readonly Parsed[]): string =>
  sha256(parsed.map(({ policy }) => `${policy.id}\n${policy.text}`).join('\n'));

const textsOf = (parsed: readonly Parsed[]): Record<string, string> =>
  Object.fromEntries(parsed.map(({ policy }) => [policy.id, policy.text]));

const byId = (parsed: readonly Parsed[]): ReadonlyMap<string, Policy> =>
  new Map(parsed.map(({ policy }) => [policy.id, policy]));
