import { readdir, readFile } from 'node:fs/promises';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyFacts } from '#domain/decision/facts.ts';
import type { PolicyVersion } from '#domain/policy/store.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { Catalogue, CatalogueEntry } from '../catalogue.ts';
import { messages, parsePolicies, type Parsed, type Policy } from './parse.ts';
import { actionParents, cedarSchema } from './schema.ts';

export type { Policy } from './parse.ts';

/** The policies that can matter for one tool, prepared once; tenant-wide forbids are in every tool's set. */
export interface ToolPolicies {
  /** Name of the prepared set in Cedar's own cache. */
  readonly setId: string;
  /** SHA-256 over the texts, in order. */
  readonly digest: string;
  readonly policies: ReadonlyMap<string, Policy>;
}

/** One text's policies, with what stays beside them. */
export interface PolicySet {
  readonly all: readonly Policy[];
  forTool(tool: string): ToolPolicies;
}

/** The policies that ship, and from them the sets of tenants that have a text of their own. */
export interface PolicyBook extends PolicySet {
  /** The shipped text, whole. */
  readonly text: string;
  /**
   * The set that decides where `policy` was read just now; `versionOf` reads a version of the same tenant. Sets are kept
   * by the digest of their text, which every decision reads anew: nothing that was replaced can decide. Where a tenant's text does
   * not fit the catalogue any more (after an upgrade), only what stays decides: administrators can mend it, everything else is a no.
   */
  inForce(
    policy: PolicyFacts,
    versionOf: (version: number) => Promise<Pick<PolicyVersion, 'text'> | null>,
  ): Promise<PolicySet>;
  /**
   * A tenant's text with what stays. Throws Fault `invalid_input` with Cedar's own words where it does not parse, does not fit the
   * schema, lacks or repeats an `@id`, has an annotation that means nothing, or changes a policy that stays. An empty text is what ships.
   */
  ofText(text: string): PolicySet;
  /** The same for trying it out, apart from all others in Cedar's cache; `release` when done. */
  draft(text: string): PolicySet & { release(): void };
}

/**
 * Reads every `*.cedar` file of the folder, validates all policies against the schema that follows from the catalogue, and
 * prepares one small set a tool. Throws with Cedar's own words where a policy does not parse or validate, lacks an `@id`, or has
 * an annotation that means nothing: the server then does not start, since it could not decide.
 */
export async function loadPolicies(folder: URL, catalogue: Catalogue): Promise<PolicyBook> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cedar')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  return preparePolicies(texts.join('\n'), catalogue);
}

/** The same from one text. */
export function preparePolicies(text: string, catalogue: Catalogue): PolicyBook {
  const parsed = parsePolicies(text, 'shipped');
  validate(parsed, catalogue);
  const shipped = setOf(parsed, catalogue, '');
  const staying = parsed.filter(({ policy }) => policy.stays);
  const onlyStaying = setOf(staying, catalogue, '');
  const kept = new Map<string, PolicySet>();

  const ofTenant = (own: string, prefix: string): PolicySet => {
    try {
      const all = [...withoutStaying(parsePolicies(own, 'tenant'), staying), ...staying];
      validate(all, catalogue);
      return setOf(all, catalogue, prefix);
    } catch (error) {
      throw new Fault('invalid_input', `The policies cannot be used: ${(error as Error).message}.`, {
        detail: { problems: [{ field: 'text', problem: (error as Error).message }] },
      });
    }
  };

  return {
    ...shipped,
    text,
    ofText: (own) => (own.trim() === '' ? shipped : ofTenant(own, '')),
    draft: (own) => {
      drafts += 1;
      const prefix = `draft-${drafts}:`;
      const set = own.trim() === '' ? setOf(parsed, catalogue, prefix) : ofTenant(own, prefix);
      return { ...set, release: () => forget(set, catalogue) };
    },
    inForce: async (policy, versionOf) => {
      if (policy.digest === null) return shipped;
      const known = kept.get(policy.digest);
      if (known !== undefined) return known;
      const version = await versionOf(policy.version);
      if (version === null || sha256(version.text) !== policy.digest)
        throw new Fault('conflict', 'The policies changed while this was decided. Ask again.');
      let set: PolicySet;
      try {
        set = ofTenant(version.text, '');
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        set = onlyStaying;
      }
      kept.set(policy.digest, set);
      return set;
    },
  };
}

let drafts = 0;

/** A tenant's policies without verbatim copies of what stays anyhow; throws where one claims what only those may. */
function withoutStaying(own: readonly Parsed[], staying: readonly Parsed[]): Parsed[] {
  const texts = new Map(staying.map(({ policy }) => [policy.id, policy.text]));
  return own.filter(({ policy, claimsToStay }) => {
    const shipped = texts.get(policy.id);
    if (shipped === policy.text) return false;
    if (shipped !== undefined)
      throw new Error(`policy ${policy.id} stays as it ships; give yours another @id`);
    if (claimsToStay) throw new Error(`policy ${policy.id}: @stays is only for what ships`);
    return true;
  });
}

function setOf(parsed: readonly Parsed[], catalogue: Catalogue, prefix: string): PolicySet {
  const sets = new Map(catalogue.all.map((entry) => [entry.tool.name, prepare(entry, parsed, prefix)]));
  return {
    all: parsed.map(({ policy }) => policy),
    forTool: (tool) => {
      const set = sets.get(tool);
      if (set === undefined) throw new Error(`no policies were prepared for ${tool}`);
      return set;
    },
  };
}

function prepare(entry: CatalogueEntry, parsed: readonly Parsed[], prefix: string): ToolPolicies {
  const names = new Set([entry.tool.name, ...actionParents(entry)]);
  const mine = parsed.filter(({ action }) => {
    if (action.op === 'All') return true;
    const list = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : [];
    return list.some((uid) => names.has('__entity' in uid ? uid.__entity.id : uid.id));
  });
  const digest = sha256(mine.map(({ policy }) => `${policy.id}\n${policy.text}`).join('\n'));
  const setId = `${prefix}${entry.tool.name}:${digest}`;
  const answer = cedar.preparsePolicySet(setId, {
    staticPolicies: Object.fromEntries(mine.map(({ policy }) => [policy.id, policy.text])),
  });
  if (answer.type === 'failure')
    throw new Error(`policies for ${entry.tool.name}: ${messages(answer.errors)}`);
  return { setId, digest, policies: new Map(mine.map(({ policy }) => [policy.id, policy])) };
}

/** Cedar's cache has no removal: an empty set in its place holds nothing, and permits nothing. */
function forget(set: PolicySet, catalogue: Catalogue): void {
  for (const { tool } of catalogue.all)
    cedar.preparsePolicySet(set.forTool(tool.name).setId, { staticPolicies: {} });
}

function validate(parsed: readonly Parsed[], catalogue: Catalogue): void {
  const answer = cedar.validate({
    schema: cedarSchema(catalogue),
    policies: {
      staticPolicies: Object.fromEntries(parsed.map(({ policy }) => [policy.id, policy.text])),
    },
  });
  if (answer.type === 'failure') throw new Error(`policies: ${messages(answer.errors)}`);
  if (answer.validationErrors.length > 0) {
    throw new Error(
      `policies: ${answer.validationErrors.map((one) => `${one.policyId}: ${one.error.message}`).join('; ')}`,
    );
  }
}
