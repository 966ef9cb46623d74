import type { RequirementChange } from '#domain/policy/desk.ts';
import { Fault } from '#lib/fault.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { policyPlaces } from './policy-places.ts';
import type { Policy } from './parse.ts';
import type { PolicySet } from './policy-set.ts';

/** The line above a policy that was written here, so that it goes with it. */
const MARK = '// Written by policy_requirement_set: the approval of this one action.';

/** The line above a condition that was written here: what people wrote themselves is never taken back. */
const NARROWED = '// Narrowed by policy_requirement_set.';

/** The @id of the policy that holds the requirement: the same change finds it again. */
export function requirementId({ action, askedBy, role, target }: RequirementChange): string {
  const parts = [
    action,
    ...(askedBy === 'everybody' ? [] : [askedBy]),
    ...(role === null ? [] : [`role-${role}`]),
  ];
  return ['requirement', ...parts, ...(target === null ? [] : [`on-${target}`])].join(':');
}

/**
 * Whether a requirement of this policy is asked in the cases that the change is about, or in some of them.
 * Of its conditions only the one about agents is read.
 */
const concerns = ({ askedBy, role, target }: RequirementChange, { about, throughAgent }: Policy): boolean =>
  (askedBy === 'everybody' || throughAgent === null || throughAgent === (askedBy === 'agents')) &&
  (target === null || about.resource === null || about.resource === target) &&
  (about.principal === null ||
    (about.principal === 'Service'
      ? askedBy !== 'agents' && askedBy !== 'people' && role === null
      : askedBy !== 'api_keys'));

/**
 * The policies that ask for an approval of this action in those cases now, without the one that an earlier
 * change wrote.
 */
export function asking(set: PolicySet, change: RequirementChange): Policy[] {
  const own = requirementId(change);
  return [...set.forTool(change.action).policies.values()].filter(
    (policy) => policy.requirement !== null && policy.id !== own && concerns(change, policy),
  );
}

/**
 * The text with this one requirement changed: whatever else it asks in those cases is narrowed by an
 * `unless`, and one policy is added that asks for the new approval. An earlier change of the same cases is
 * taken back first. Only policies that do nothing but ask are touched (`@adds("requirement")`), and in them
 * only what was written here; comments stay. Does not say whether the outcome can be used. Throws Fault
 * `invalid_input` where a policy permits and asks at once, and `conflict` where a policy of the
 * organisation's own has the id of the one that would be written.
 */
export function changedText(text: string, set: PolicySet, change: RequirementChange): string {
  const before = askingOnly(set)
    .filter((id) => id !== requirementId(change))
    .reduce((left, id) => withoutClause(left, id, change), withoutPolicy(text, set, requirementId(change)));
  if (change.approval === 'as_before') return before;
  const asks = asking(set, change).filter(({ stays }) => !stays);
  const both = asks.find(({ addsOnly }) => !addsOnly);
  if (both !== undefined)
    throw new Fault(
      'invalid_input',
      `Policy ${both.id} permits and asks for an approval at once, so its approval cannot be changed alone. With policy_set write it as two policies: a permit, and one with @adds("requirement").`,
      { field: 'action' },
    );
  const narrowed = asks.reduce((left, { id }) => withClause(left, id, change), before);
  return change.approval === null ? narrowed : `${narrowed.trimEnd()}\n\n${MARK}\n${policyOf(change)}\n`;
}

/** The ids of the policies of a text that an earlier change of the same cases has narrowed. */
export function narrowedIn(text: string, change: RequirementChange): Set<string | null> {
  const clause = clauseOf(change);
  return new Set(
    policyPlaces(text)
      .filter(({ from, to }) => text.slice(from, to).includes(clause))
      .map(({ id }) => id),
  );
}

/** The policies that only ask for approvals: no change of them can allow more than before. */
const askingOnly = ({ all }: PolicySet): string[] =>
  all.filter(({ effect, addsOnly }) => effect === 'permit' && addsOnly).map(({ id }) => id);

const clauseOf = (change: RequirementChange): string => `\n${NARROWED}\nunless { ${conditionOf(change)} }`;

function withClause(text: string, id: string, change: RequirementChange): string {
  const place = policyPlaces(text).find((item) => item.id === id);
  if (place === undefined)
    throw new Fault(
      'invalid_input',
      `Policy ${id} was not found in the text, so nothing was changed. Use policy_set.`,
    );
  return `${text.slice(0, place.to - 1)}${clauseOf(change)}${text.slice(place.to - 1)}`;
}

function withoutClause(text: string, id: string, change: RequirementChange): string {
  const place = policyPlaces(text).find((item) => item.id === id);
  if (place === undefined) return text;
  const policy = text.slice(place.from, place.to).replaceAll(clauseOf(change), '');
  return `${text.slice(0, place.from)}${policy}${text.slice(place.to)}`;
}

function withoutPolicy(text: string, set: PolicySet, id: string): string {
  const place = policyPlaces(text).find((item) => item.id === id);
  if (place === undefined) return text;
  const head = text.slice(0, place.from).trimEnd();
  if (!head.endsWith(MARK) || !askingOnly(set).includes(id))
    throw new Fault(
      'conflict',
      `Policy ${id} was not written by policy_requirement_set, so it is not replaced. Give it another @id with policy_set.`,
    );
  return `${head.slice(0, -MARK.length).trimEnd()}\n${text.slice(place.to).replace(/^\n/, '')}`;
}

/**
 * Throws Fault `conflict` unless every policy that permits or forbids is the same in both sets. A change of
 * a requirement must never change what is allowed: this holds whatever the text looks like.
 */
export function requireSameAuthority(before: PolicySet, after: PolicySet): void {
  const [old, fresh] = [before, after].map((set) =>
    set.all
      .filter(({ effect, addsOnly }) => effect === 'forbid' || !addsOnly)
      .map(({ id, text }) => `${id}\n${text}`)
      .toSorted()
      .join('\n'),
  );
  if (old !== fresh)
    throw new Fault(
      'conflict',
      'This change would touch policies that allow or forbid something, so nothing was changed. Use policy_set.',
    );
}

/**
 * When it is about, as a condition that any policy may have: each part is true or false for every principal
 * and resource.
 */
const conditionOf = (change: RequirementChange): string =>
  [`action == Action::${quoted(change.action)}`, ...casesOf(change)].join(' && ');

function casesOf({ askedBy, role, target }: RequirementChange): string[] {
  const parts = [
    ...(askedBy === 'agents' ? ['context.through_agent'] : []),
    ...(askedBy === 'people' ? ['principal is Person', '!context.through_agent'] : []),
    ...(askedBy === 'api_keys' ? ['principal is Service'] : []),
    ...(role === null ? [] : ['principal is Person', `principal.roles.contains(${quoted(role)})`]),
    ...(target === null ? [] : [`resource is ${target}`]),
  ];
  return [...new Set(parts)];
}

function policyOf(change: RequirementChange): string {
  const { approval } = change;
  if (approval === null || approval === 'as_before') throw new Error('there is no approval to write');
  const annotations = [
    `@id(${quoted(requirementId(change))})`,
    '@adds("requirement")',
    `@approval(${quoted(approval.approver)})`,
    ...(approval.fallback === null ? [] : [`@fallback(${quoted(approval.fallback)})`]),
    ...(approval.quorum === 1 ? [] : [`@quorum("${approval.quorum}")`]),
    ...(approval.stepUp ? ['@step_up("mfa")'] : []),
    `@reason(${quoted(approval.reason)})`,
  ];
  const cases = casesOf(change);
  const when = cases.length === 0 ? '' : `\nwhen { ${cases.join(' && ')} }`;
  return `${annotations.join('\n')}\npermit (principal, action == Action::${quoted(change.action)}, resource)${when};`;
}

/**
 * As a string of Cedar. Texts of tools are one line without controls, so these two are all that must be
 * escaped.
 */
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/**
 * The shipped text as an organisation's own begins with it: without what stays anyway, with the comment
 * above each. A copy of what stays would be refused once an upgrade has changed it.
 */
export function withoutStaying(text: string, { all }: PolicySet): string {
  const staying = new Set(all.filter(({ stays }) => stays).map(({ id }) => id));
  return policyPlaces(text)
    .filter(({ id }) => id !== null && staying.has(id))
    .toReversed()
    .reduce((left, { from, to }) => {
      const lines = left.slice(0, from).split('\n');
      lines.pop();
      while (lines.at(-1)?.trimStart().startsWith('//') === true) lines.pop();
      return `${lines.join('\n')}\n${left.slice(to).replace(/^\n+/, '')}`;
    }, text);
}

/**
 * Throws Fault `invalid_input` for an action whose approval means nothing: one that only looks, or that
 * tightens.
 */
export function requireApprovable({ tool }: CatalogueEntry): void {
  const refuse = (why: string) => new Fault('invalid_input', `${tool.name} ${why}`, { field: 'action' });
  if (tool.effects === 'read' || tool.effects === 'look')
    throw refuse('only looks, so nobody approves it. Choose an action that changes something.');
  if (tool.tightens === true)
    throw refuse('only takes authority away, and is never held up by an approval. Choose another action.');
}
