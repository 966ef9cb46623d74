/**
 * Which resources a mandate covers, as patterns over immutable ids:
 * - `*`: everything
 * - `person:<usr_…>`: one person
 * - `reports:<usr_…>`: the direct reports of a person at the time of the call
 * - `group:<grp_…>`: the members of a group at the time of the call
 * - `resource:<text>`: something in another system, matched exactly, or by prefix if the text ends in
 *   `*`. It is for `POST /v1/verify` and covers no person.
 */
export type ResourcePattern =
  | '*'
  | `resource:${string}`
  | `person:${string}`
  | `reports:${string}`
  | `group:${string}`;

const PATTERN =
  /^(?:\*|(?:person|reports):usr_[0-9a-z]{26}|group:grp_[0-9a-z]{26}|resource:[\x21-\x7e]{1,190})$/;

/** Whether the text is a pattern. Does not check that the person or group exists. */
export const isResourcePattern = (text: string): text is ResourcePattern => PATTERN.test(text);

/** What must be known about a person to decide whether a pattern covers them. */
export interface Coverable {
  readonly id: string;
  readonly managerId: string | null;
  readonly groupIds: readonly string[];
}

/** Whether any pattern covers the person. A text that is not a valid pattern covers nobody. */
export function covers(patterns: readonly string[], person: Coverable): boolean {
  return patterns.some((pattern) => {
    const colon = pattern.indexOf(':');
    const [kind, id] = colon < 0 ? [pattern, ''] : [pattern.slice(0, colon), pattern.slice(colon + 1)];
    if (kind === '*') return colon < 0;
    if (kind === 'person') return person.id === id;
    if (kind === 'reports') return person.managerId !== null && person.managerId === id;
    if (kind === 'group') return person.groupIds.includes(id);
    return false;
  });
}

/** Every pattern that covers the person: a mandate covers them if, and only if, it has one of these. */
export const patternsFor = ({ id, managerId, groupIds }: Coverable): string[] => [
  '*',
  `person:${id}`,
  ...(managerId === null ? [] : [`reports:${managerId}`]),
  ...groupIds.map((group) => `group:${group}`),
];

/** Whether any pattern covers something in another system. `text` is its name there. */
export const coversText = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => {
    if (pattern === '*') return true;
    if (!pattern.startsWith('resource:')) return false;
    const named = pattern.slice('resource:'.length);
    return named.endsWith('*') ? text.startsWith(named.slice(0, -1)) : text === named;
  });
