import { inArray, and, eq } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { groups } from '../group/tables.ts';
import { findPeople } from '../person/store.ts';
import { windowWords, type MandateWindow } from './window.ts';

/** What a mandate says, for the people who give, approve or audit it. */
export interface MandateWords {
  readonly agent: string;
  readonly owner: string;
  readonly principal: { readonly id: string; readonly name: string };
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly tools: readonly string[] | null;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly window: MandateWindow | null;
  readonly offline: boolean;
  /** Levels of sub-delegation that it allows. */
  readonly depth: number;
  readonly maxUses: number | null;
  /** How long it lasts: `for 7 days`, `until 2026-11-29 14:00 UTC`. */
  readonly lasting: string;
  /** Display names of the people and groups in the resources, by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** A mandate in two sentences. */
export interface InWords {
  readonly allows: string;
  readonly forbids: string;
}

/**
 * Describes a mandate: one sentence for what it allows (which agent, what, on whom, how long, how often,
 * when) and one for what it forbids. Neither contains the purpose, because those are the requester's own
 * words.
 */
export function describeMandate(words: MandateWords): InWords {
  const names = new Map([...words.names, [words.principal.id, words.principal.name] as const]);
  const on = words.resources
    .map((pattern) => describeResource(pattern, words.principal.id, names))
    .join(', ');
  const limits = [
    words.lasting,
    words.maxUses === null ? '' : `at most ${count(words.maxUses, 'time')}`,
    words.amount === null ? '' : `each worth at most ${words.amount} ${words.currency ?? ''}`.trim(),
    words.window === null ? '' : `only ${windowWords(words.window)}`,
    words.offline ? `also while ${words.principal.name} is away` : '',
    words.depth === 0
      ? ''
      : `and may delegate parts of it to other agents, ${count(words.depth, 'level')} deep`,
  ].filter((limit) => limit !== '');
  const through = words.tools === null ? '' : ` through ${words.tools.join(', ')} only`;
  const allows = `${words.agent} (owned by ${words.owner}) may use ${words.scopes.join(', ')}${through} on ${on}, ${limits.join(', ')}.`;
  const not = [
    'do anything else',
    words.resources.includes('*') ? '' : 'act on anyone else',
    words.amount === null ? '' : 'act without an amount',
    words.window === null ? '' : 'work at other times',
    words.depth === 0 ? 'delegate to other agents' : 'delegate more than it has',
    words.offline ? '' : `work without a fresh sign-in of ${words.principal.name}`,
    `do what ${words.principal.name} may not do at that moment`,
  ].filter((limit) => limit !== '');
  const forbids = `It may not ${not.slice(0, -1).join(', ')} or ${not.at(-1) ?? ''}.`;
  return { allows, forbids };
}

/** A resource pattern in words. An id without a known name is shown as it is. */
export function describeResource(
  pattern: string,
  principalId: string,
  names: ReadonlyMap<string, string>,
): string {
  const principal = names.get(principalId) ?? 'the principal';
  if (pattern === '*') return `everyone ${principal} can act on`;
  const [kind = '', id = ''] = pattern.split(':');
  if (kind === 'reports') return `${id === principalId ? principal : (names.get(id) ?? id)}'s direct reports`;
  if (kind === 'resource') return pattern.slice('resource:'.length);
  if (kind === 'group') return `the members of ${names.get(id) ?? id}`;
  return names.get(id) ?? id;
}

/** Display names of the people and groups that the patterns name, by id. Unknown ids are left out. */
export async function namesInResources(
  reader: TenantReader,
  patterns: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const ids = (prefix: string) =>
    patterns.flatMap((pattern) => {
      const id = pattern.slice(pattern.indexOf(':') + 1);
      return id.startsWith(prefix) ? [id] : [];
    });
  const named = ids('grp_');
  const people = await findPeople(reader, ids('usr_'));
  const rows =
    named.length === 0
      ? []
      : await reader.db
          .select({ id: groups.id, name: groups.name })
          .from(groups)
          .where(and(eq(groups.tenantId, reader.tenantId), inArray(groups.id, named)));
  return new Map([
    ...people.map((person) => [person.id, person.displayName] as const),
    ...rows.map((row) => [row.id, row.name] as const),
  ]);
}

/** The end in words: `until 2026-11-29 14:00 UTC`. */
export const untilWords = (at: Date): string =>
  `until ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** A number with its noun: `1 day`, `7 days`. Only for nouns whose plural adds an s. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
