import { readdir, readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { PolicyFacts } from '#domain/decision/facts.ts';
import type { PolicyVersion } from '#domain/policy/store.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { Catalogue } from '../catalogue.ts';
import { openCedar, type CedarQuestion } from './engine.ts';
import { examine, type Terms } from './examine.ts';
import { parsePolicies } from './parse.ts';
import type { LineColumn } from './policy-places.ts';
import { ownSet, shippedSet, type PolicySet } from './policy-set.ts';
import { actionParents, cedarSchema } from './schema.ts';
import { tryOut, type TriedOut } from './try-out.ts';

/** The shipped policies, and the sets of tenants that have a text of their own. */
export interface PolicyBook extends PolicySet {
  /** The complete shipped text. */
  readonly text: string;
  /** Only the policies that stay in every organisation. */
  readonly staying: PolicySet;
  /**
   * The set that decides for `policy`, which was read just now. `versionOf` reads a version of the same
   * tenant.
   *
   * Sets are cached by the digest of their text, and every decision reads that digest again, so a replaced
   * text never decides. If a tenant's text cannot be used (it no longer fits the catalogue after an upgrade,
   * or Cedar breaks on it), only the policies that stay decide: administrators can repair it, everything else
   * is denied. The first question after a start waits for `tryOut`.
   *
   * Throws Fault `conflict` if the policies were replaced meanwhile, and `unavailable` if no thread can be
   * started.
   */
  inForce(
    policy: PolicyFacts,
    versionOf: (version: number) => Promise<Pick<PolicyVersion, 'text'> | null>,
  ): Promise<PolicySet>;
  /**
   * A tenant's text together with the policies that stay, tried out first (`tryOut`), in an engine of its
   * own. An empty text means the shipped policies. Throws Fault `invalid_input` with Cedar's message if the
   * text cannot be used, and `unavailable` while another new text of the tenant is being tried.
   */
  ofText(tenantId: string, text: string): Promise<PolicySet>;
  /** Throws Fault `unavailable` while nothing can be decided. */
  ready(): void;
}

/**
 * Reads every `*.cedar` file of the folder, validates all policies against the catalogue's schema, and
 * prepares one small set per tool. Throws an Error with Cedar's message if a policy does not parse or
 * validate, lacks an `@id`, or has an unknown annotation. The server then does not start, because it could
 * not decide.
 *
 * Validation takes longer than everything else at a start. It is skipped if the folder's `validated.sha256`
 * contains the digest of exactly these texts and this schema; `npm run generate` writes it.
 */
export async function loadPolicies(folder: URL, catalogue: Catalogue): Promise<PolicyBook> {
  const text = await readPolicies(folder);
  const validated = await readFile(new URL(VALIDATED, folder), 'utf8').catch(() => '');
  return preparePolicies(text, catalogue, tryOut, validated.trim());
}

/** Every `*.cedar` file of the folder, joined into one text. */
export async function readPolicies(folder: URL): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cedar')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  return texts.join('\n');
}

/** The file beside the shipped policies that contains the digest of what was validated. */
export const VALIDATED = 'validated.sha256';

/**
 * Validates a text against the catalogue's schema and returns the digest of both. Throws an Error with
 * Cedar's message if it does not fit.
 */
export function validatedDigest(text: string, catalogue: Catalogue): string {
  const terms = termsOf(catalogue);
  examine(text, 'shipped', { ...terms, staying: [] });
  return digestOfValidated(text, terms.schema);
}

const digestOfValidated = (text: string, schema: string): string => sha256(JSON.stringify([schema, text]));

// How many tenants' texts are cached, and how many characters of them.
const MAX_KEPT = { max: 1_000, maxSize: 16_000_000 };
// The same for results of trying a text out. They are needed again when the text is approved and put in
// force.
const MAX_TRIED = { max: 100, maxSize: 4_000_000 };
// How long until a text that took too long is tried again, in ms.
const SLOW_MS = 60_000;

/**
 * Prepares policies from one text. `trial` tries out a tenant's text; tests replace it. `validated` is the
 * digest of a text that need not be validated again.
 */
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
  const ourCedar = openCedar();
  const shipped = shippedSet(ourCedar, parsed, catalogue);
  // Prepared now, so that no decision waits for it.
  shipped.prepare();
  const onlyStaying = shippedSet(ourCedar, staying, catalogue);
  // Tenants' texts have an engine of their own. If one breaks it, the shipped policies still decide.
  const tenantsCedar = openCedar();
  const sets = new LRUCache<string, PolicySet>({
    ...MAX_KEPT,
    dispose: (_, digest) => tenantsCedar.release(digest),
  });
  const trials = new LRUCache<string, TriedOut>(MAX_TRIED);
  const underWay = new Map<string, Promise<TriedOut>>();
  const busy = new Set<string>();

  function keep(digest: string, own: string, set: PolicySet, ttl = 0): PolicySet {
    // An empty text has a size too.
    sets.set(digest, set, { size: own.length + 1, ttl });
    return set;
  }

  const useless = (problem: string): PolicySet => ({ ...onlyStaying, problem });

  function setOf(found: TriedOut, own: string, digest: string): PolicySet {
    if ('problem' in found) return keep(digest, own, useless(found.problem), found.slow ? SLOW_MS : 0);
    const broke = (tool: string, question: CedarQuestion) => {
      keep(digest, own, useless(BROKE));
      return onlyStaying.forTool(tool).ask(question);
    };
    const all = [...found.policies, ...staying];
    return keep(digest, own, ownSet(tenantsCedar, all, digest, catalogue, broke));
  }

  /** Tries a text out once, however many callers ask at the same time or soon after. */
  function tryOnce(own: string, digest: string): Promise<TriedOut> {
    const before = trials.get(digest);
    if (before !== undefined) return Promise.resolve(before);
    const begun = underWay.get(digest) ?? tryNow(own, digest);
    underWay.set(digest, begun);
    return begun;
  }

  async function tryNow(own: string, digest: string): Promise<TriedOut> {
    try {
      const found = await trial(own, { ...terms, staying });
      if (!('problem' in found && found.slow)) trials.set(digest, found, { size: own.length + 1 });
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
      const set = sets.get(policy.digest);
      if (set !== undefined) return set;
      const version = await versionOf(policy.version);
      if (version === null || sha256(version.text) !== policy.digest)
        throw new Fault('conflict', 'The policies changed during this decision. Try again.');
      return setOf(await tryOnce(version.text, policy.digest), version.text, policy.digest);
    },
    ofText: async (tenantId, own) => {
      if (own.trim() === '') return shipped;
      const digest = sha256(own);
      const isNew = trials.get(digest) === undefined;
      if (isNew && busy.has(tenantId))
        throw new Fault(
          'unavailable',
          'Another policy text of this organisation is being checked. Try again in a minute.',
        );
      if (isNew) busy.add(tenantId);
      try {
        const found = await tryOnce(own, digest);
        if ('problem' in found) throw unusable(found.problem, found.at);
        return ownSet(openCedar(), [...found.policies, ...staying], digest, catalogue, () => {
          throw unusable(BROKE);
        });
      } finally {
        if (isNew) busy.delete(tenantId);
      }
    },
    ready: () => {
      ourCedar.ready();
      tenantsCedar.ready();
    },
  };
}

const BROKE = 'Cedar failed to evaluate a test question with these policies';

const unusable = (problem: string, at?: LineColumn | null): Fault =>
  new Fault(
    'invalid_input',
    `The policies cannot be used: ${problem}${at == null ? '' : ` (line ${at.line}, column ${at.column})`}.`,
    { detail: { problems: [{ field: 'text', problem, ...at }] } },
  );

const termsOf = (catalogue: Catalogue): Omit<Terms, 'staying'> => ({
  schema: cedarSchema(catalogue),
  actions: catalogue.all.map((entry) => ({
    name: entry.tool.name,
    scope: entry.tool.scope,
    parents: actionParents(entry),
  })),
});
