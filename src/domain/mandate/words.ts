/** What a mandate says, for whoever gives, approves or audits it. */
export interface MandateWords {
  readonly agent: string;
  readonly owner: string;
  readonly principal: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly days: number;
  readonly max_uses?: number | undefined;
  readonly purpose: string;
  /** Display names of the people whom the resources name, by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** One sentence: which agent may do what, on whom, how long, how often. The purpose is not in it: those are the requester's own words. */
export function describeMandate(words: MandateWords): string {
  const uses =
    words.max_uses === undefined ? '' : `, at most ${words.max_uses} time${words.max_uses === 1 ? '' : 's'}`;
  const on = words.resources
    .map((pattern) => describeResource(pattern, words.principal, words.names))
    .join(', ');
  return `${words.agent} (owned by ${words.owner}) may use ${words.scopes.join(', ')} on ${on}, for ${words.days} day${words.days === 1 ? '' : 's'}${uses}.`;
}

/** A resource pattern in words. An id that has no name here is shown as it is. */
export function describeResource(
  pattern: string,
  principalId: string,
  names: ReadonlyMap<string, string>,
): string {
  if (pattern === '*') return 'everybody on whom the principal may act';
  const [kind = '', id = ''] = pattern.split(':');
  if (kind === 'reports')
    return id === principalId
      ? "the principal's direct reports"
      : `the direct reports of ${names.get(id) ?? id}`;
  if (kind === 'group') return `the members of ${id}`;
  return names.get(id) ?? id;
}
