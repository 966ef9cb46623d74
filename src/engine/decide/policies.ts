import { readdir, readFile } from 'node:fs/promises';
import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyFacts } from '#domain/decision/facts.ts';
import type { PolicyVersion } from '#domain/policy/store.ts';
import { boundedMap } from '#lib/bounded-map.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { Catalogue, CatalogueEntry } from '../catalogue.ts';
import { openCedar, EngineBroke, type CedarEngine, type CedarQuestion, type Prepared } from './engine.ts';
import { examine, type Terms } from './examine.ts';
import { parsePolicies, type Parsed, type Policy } from './parse.ts';
import { actionParents, cedarSchema } from './schema.ts';
import { tryOut, type TriedOut } from './try-out.ts';

export type { Policy } from './parse.ts';

/** The policies that can matter for one tool; tenant-wide forbids are in every tool's set. */
export interface ToolPolicies {
  /** SHA-256 over the texts, in order. */
  readonly digest: string;
  readonly policies: ReadonlyMap<string, Policy>;
  /** Cedar's answer. Where it breaks over a tenant's text, what stays answers, and decides from then on. */
  ask(question: CedarQuestion): cedar.AuthorizationAnswer;
}

/** One text's policies, with what stays beside them. */
export interface PolicySet {
  readonly all: readonly Policy[];
  /** In words, why the tenant's text decides nothing here: only what stays does. Null: all of it decides. */
  readonly problem: string | null;
  forTool(tool: string): ToolPolicies;
}

/** The policies that ship, and from them the sets of tenants that have a text of their own. */
export interface PolicyBook extends PolicySet {
  /** The shipped text, whole. */
  readonly text: string;
  /** What stays in every organisation, alone. */
  readonly staying: PolicySet;
  /**
   * The set that decides where `policy` was read just now; `versionOf` reads a version of the same tenant. Sets are kept
   * by the digest of their text, which every decision reads anew: nothing that was replaced can decide. Where a tenant's text cannot be
   * used (it does not fit the catalogue any more, after an upgrade, or Cedar breaks over it), only what stays decides: administrators can
   * mend it, everything else is a no. The first question after a start waits for `tryOut`. Fault `conflict`, `unavailable`.
   */
  inForce(
    policy: PolicyFacts,
    versionOf: (version: number) => Promise<Pick<PolicyVersion, 'text'> | null>,
  ): Promise<PolicySet>;
  /**
   * A tenant's text with what stays, tried out first (`tryOut`), in an engine of its own. Throws Fault `invalid_input` with Cedar's own
   * words where it cannot be used, `unavailable` while another new text of the tenant is tried. An empty text is what ships.
   */
  ofText(tenantId: string, text: string): Promise<PolicySet>;
  /** Fault `unavailable` while nothing can be decided here. */
  ready(): void;
}

/**
 * Reads every `*.cedar` file of the folder, validates all policies against the schema that follows from the catalogue, and
 * prepares one small set a tool. Throws with Cedar's own words where a policy does not parse or validate, lacks an `@id`, or has
 * an annotation that means nothing: the server then does not start, since it could not decide. Where the folder's `validated.sha256`
 * has the digest of these very texts and this schema (`npm run generate` writes it), Cedar is not asked to validate them again, which
 * takes longer than everything else at a start.
 */
export async function loadPolicies(folder: URL, catalogue: Catalogue): Promise<PolicyBook> {
  const text = await readPolicies(folder);
  const validated = await readFile(new URL(VALIDATED, folder), 'utf8').catch(() => '');
  return preparePolicies(text, catalogue, tryOut, validated.trim());
}

/** Every `*.cedar` file of the folder, as one text. */
export async function readPolicies(folder: URL): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cedar')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  return texts.join('\n');
}

/** Beside the policies that ship: the digest of what was validated. */
export const VALIDATED = 'validated.sha256';

/** Validates a text against the catalogue's schema and returns the digest that says so. Throws with Cedar's own words where it does not fit. */
export function validatedDigest(text: string, catalogue: Catalogue): string {
  const terms = termsOf(catalogue);
  examine(text, 'shipped', { ...terms, staying: [] });
  return digestOfValidated(text, terms.schema);
}

const digestOfValidated = (text: string, schema: string): string => sha256(JSON.stringify([schema, text]));

/** So many texts of tenants are kept, and so many characters of them. */
const MAX_KEPT = { entries: 1_000, bytes: 16_000_000 };
/** And of what came of trying one, which is asked again when it is approved and put in force. */
const MAX_TRIED = { entries: 100, bytes: 4_000_000 };
/** A text that took too long is tried again after so long, in milliseconds. */
const SLOW_MS = 60_000;

/** The same from one text. `trial` is for tests: how a tenant's text is tried out. `validated` is the digest of what need not be validated again. */
export function preparePolicies(
  text: string,
  catalogue: Catalogue,
  trial: (text: string, terms: Terms) => Promise<TriedOut> = tryOut,
  validated?: string,
): PolicyBook {
  const terms = termsOf(catalogue);
  const parsed =
    validated === digestOfValidated(text, terms.schema)
      ? parsePolicies(text, 'shipped')
      : examine(text, 'shipped', { ...terms, staying: [] });
  const staying = parsed.filter(({ policy }) => policy.stays);
  const ours = openCedar();
  const shipped = shippedSet(ours, parsed, catalogue);
  // Prepared at the start, so that no decision waits for it.
  shipped.prepare();
  const onlyStaying = shippedSet(ours, staying, catalogue);
  // Texts of tenants share an engine that what ships has no part in: whatever they do to it, the rest goes on deciding.
  const theirs = openCedar();
  const kept = boundedMap<PolicySet & { readonly until: number }>(MAX_KEPT);
  const tried = boundedMap<TriedOut>(MAX_TRIED);
  const underWay = new Map<string, Promise<TriedOut>>();
  const busy = new Set<string>();

  function keep(digest: string, weight: number, set: PolicySet, until = Infinity): PolicySet {
    kept.set(digest, { ...set, until }, weight);
    return set;
  }

  const useless = (problem: string): PolicySet => ({ ...onlyStaying, problem });

  function setOf(found: TriedOut, own: string, digest: string): PolicySet {
    if ('problem' in found)
      return keep(digest, own.length, useless(found.problem), found.slow ? Date.now() + SLOW_MS : Infinity);
    const broke = (tool: string, question: CedarQuestion) => {
      keep(digest, own.length, useless(BROKE));
      return onlyStaying.forTool(tool).ask(question);
    };
    const all = [...found.policies, ...staying];
    return keep(digest, own.length, ownSet(theirs, all, digest, catalogue, broke));
  }

  /** Tried out once, however many ask, at the same time or soon after. */
  function tryOnce(own: string, digest: string): Promise<TriedOut> {
    const before = tried.get(digest);
    if (before !== undefined) return Promise.resolve(before);
    const begun = underWay.get(digest) ?? tryNow(own, digest);
    underWay.set(digest, begun);
    return begun;
  }

  async function tryNow(own: string, digest: string): Promise<TriedOut> {
    try {
      const found = await trial(own, { ...terms, staying });
      if (!('problem' in found && found.slow)) tried.set(digest, found, own.length);
      return found;
    } finally {
      underWay.delete(digest);
    }
  }

  return {
    ...shipped,
    text,
    staying: onlyStaying,
    inForce: async (policy, versionOf) => {
      if (policy.digest === null) return shipped;
      const set = kept.get(policy.digest);
      if (set !== undefined && set.until > Date.now()) return set;
      const version = await versionOf(policy.version);
      if (version === null || sha256(version.text) !== policy.digest)
        throw new Fault('conflict', 'The policies changed while this was decided. Ask again.');
      return setOf(await tryOnce(version.text, policy.digest), version.text, policy.digest);
    },
    ofText: async (tenantId, own) => {
      if (own.trim() === '') return shipped;
      const digest = sha256(own);
      const isNew = tried.get(digest) === undefined;
      if (isNew && busy.has(tenantId))
        throw new Fault(
          'unavailable',
          'Another policy text of this organisation is being looked at. Try again in a minute.',
        );
      if (isNew) busy.add(tenantId);
      try {
        const found = await tryOnce(own, digest);
        if ('problem' in found) throw unusable(found.problem);
        return ownSet(openCedar(), [...found.policies, ...staying], digest, catalogue, () => {
          throw unusable(BROKE);
        });
      } finally {
        if (isNew) busy.delete(tenantId);
      }
    },
    ready: () => {
      ours.ready();
      theirs.ready();
    },
  };
}

const BROKE = "Cedar's engine broke over a question that they were asked";

const unusable = (problem: string): Fault =>
  new Fault('invalid_input', `The policies cannot be used: ${problem}.`, {
    detail: { problems: [{ field: 'text', problem }] },
  });

const termsOf = (catalogue: Catalogue): Omit<Terms, 'staying'> => ({
  schema: cedarSchema(catalogue),
  actions: catalogue.all.map((entry) => ({
    name: entry.tool.name,
    scope: entry.tool.scope,
    parents: actionParents(entry),
  })),
});

/** What ships, prepared for each tool by itself, which halves the time of a decision; where Cedar breaks, it is asked once more, anew. */
function shippedSet(
  engine: CedarEngine,
  parsed: readonly Parsed[],
  catalogue: Catalogue,
): PolicySet & { prepare(): void } {
  const all: Prepared[] = [];
  const sets = new Map(
    catalogue.all.map((entry) => {
      const mine = forEntry(entry, parsed);
      const digest = digestOf(mine);
      const prepared = { id: digest, texts: textsOf(mine) };
      all.push(prepared);
      const ask = (question: CedarQuestion) => {
        try {
          return engine.ask(prepared, question);
        } catch (error) {
          if (error instanceof EngineBroke) return engine.ask(prepared, question);
          throw error;
        }
      };
      return [entry.tool.name, { digest, policies: byId(mine), ask }];
    }),
  );
  return {
    all: parsed.map(({ policy }) => policy),
    problem: null,
    forTool: (tool) => found(sets, tool),
    prepare: () => all.forEach((one) => engine.prepare(one)),
  };
}

/** A tenant's text, prepared once and whole: what speaks of other actions does not match. `broke` answers where Cedar breaks over it. */
function ownSet(
  engine: CedarEngine,
  parsed: readonly Parsed[],
  digest: string,
  catalogue: Catalogue,
  broke: (tool: string, question: CedarQuestion) => cedar.AuthorizationAnswer,
): PolicySet {
  const prepared = { id: digest, texts: textsOf(parsed) };
  const sets = new Map(
    catalogue.all.map((entry) => {
      const mine = forEntry(entry, parsed);
      const ask = (question: CedarQuestion) => {
        try {
          return engine.ask(prepared, question);
        } catch (error) {
          if (error instanceof EngineBroke) return broke(entry.tool.name, question);
          throw error;
        }
      };
      return [entry.tool.name, { digest: digestOf(mine), policies: byId(mine), ask }];
    }),
  );
  return { all: parsed.map(({ policy }) => policy), problem: null, forTool: (tool) => found(sets, tool) };
}

function found(sets: ReadonlyMap<string, ToolPolicies>, tool: string): ToolPolicies {
  const set = sets.get(tool);
  if (set === undefined) throw new Error(`no policies were prepared for ${tool}`);
  return set;
}

function forEntry(entry: CatalogueEntry, parsed: readonly Parsed[]): Parsed[] {
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
