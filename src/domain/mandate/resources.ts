/**
 * Which resources a mandate covers: patterns over immutable ids.
 * `*` everything · `person:<usr_…>` one person · `reports:<usr_…>` the direct reports of a person, as they are at the call ·
 * `group:<grp_…>` the members of a group, as they are at the call.
 */
export type ResourcePattern = '*' | `person:${string}` | `reports:${string}` | `group:${string}`;

const PATTERN = /^(?:\*|(?:person|reports):usr_[0-9a-z]{26}|group:grp_[0-9a-z]{26})$/;

/** True where the text is a pattern. Does not say that the person or group exists. */
export const isResourcePattern = (text: string): text is ResourcePattern => PATTERN.test(text);

/** What must be known of a person to say whether a pattern covers them. */
export interface Coverable {
  readonly id: string;
  readonly managerId: string | null;
  readonly groupIds: readonly string[];
}

/** Whether any pattern covers the person. A text that is no pattern covers nobody. */
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
