import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { messages, parsePolicies, type Origin, type Parsed, type Policy } from './parse.ts';
import { placeOf, TextError } from './policy-places.ts';

/** What a policy text is checked against: the catalogue as policies see it, and the policies that stay. */
export interface Terms {
  /** The schema, in Cedar's schema language. */
  readonly schema: string;
  /** Every tool with its scope and its action groups. */
  readonly actions: readonly {
    readonly name: string;
    readonly scope: string;
    readonly parents: readonly string[];
  }[];
  readonly staying: readonly Parsed[];
}

/**
 * Parses and validates every policy of a text. A tenant's text is also tried on sample questions, together
 * with the policies that stay; verbatim copies of those are left out.
 *
 * Throws an Error, with Cedar's message where Cedar refuses: if a policy does not parse, does not fit the
 * schema, lacks or repeats an `@id`, has an unknown annotation, or changes a policy that stays; or if the
 * text would keep IT admins from changing the policies.
 *
 * Uses this thread's Cedar, which a text that is not `withinLimits` can break. So examine a tenant's text
 * only in `tryOut`.
 */
export function examine(text: string, origin: Origin, terms: Terms): Parsed[] {
  const parsed = parsePolicies(text, origin);
  const own = origin === 'shipped' ? parsed : withoutStaying(text, parsed, terms.staying);
  validate(text, own, terms.schema);
  if (origin === 'tenant') {
    const whole = [...own, ...terms.staying];
    ask(whole, terms);
    requireWayBack(whole, terms);
  }
  return own;
}

/**
 * A tenant's policies without verbatim copies of those that stay. Throws if one changes such a policy, or
 * claims to be one.
 */
function withoutStaying(text: string, own: readonly Parsed[], staying: readonly Parsed[]): Parsed[] {
  const texts = new Map(staying.map(({ policy }) => [policy.id, policy.text]));
  return own.filter(({ policy, claimsToStay }) => {
    const shipped = texts.get(policy.id);
    if (shipped === policy.text) return false;
    if (shipped !== undefined)
      throw new TextError(
        `policy ${policy.id} ships with the product and cannot be replaced; give yours another @id`,
        placeOf(text, policy.id),
      );
    if (claimsToStay)
      throw new TextError(
        `policy ${policy.id}: @stays is reserved for policies that ship with the product`,
        placeOf(text, policy.id),
      );
    return true;
  });
}

const textsOf = (parsed: readonly Parsed[]): Record<string, string> =>
  Object.fromEntries(parsed.map(({ policy }) => [policy.id, policy.text]));

function validate(text: string, parsed: readonly Parsed[], schema: string): void {
  const answer = cedar.validate({ schema, policies: { staticPolicies: textsOf(parsed) } });
  if (answer.type === 'failure') throw new Error(`policies: ${messages(answer.errors)}`);
  const [first] = answer.validationErrors;
  if (first === undefined) return;
  const policy = parsed.find(({ policy: one }) => one.id === first.policyId)?.policy.text ?? '';
  const byte = first.error.sourceLocations?.[0]?.start ?? 0;
  throw new TextError(
    `policies: ${answer.validationErrors.map((failure) => `${failure.policyId}: ${failure.error.message}`).join('; ')}`,
    placeOf(text, first.policyId, { text: policy, byte }),
  );
}

const PERSON: cedar.TypeAndId = { type: 'Person', id: 'usr_sample' };
const person = (uid: cedar.TypeAndId): cedar.EntityJson => ({
  uid,
  attrs: { roles: ['member'], scopes: [], privileged: 'no', manager: { __entity: PERSON } },
  parents: [],
});
const entity = (type: string, attrs: cedar.EntityJson['attrs'] = {}): cedar.EntityJson => ({
  uid: { type, id: 'sample' },
  attrs,
  parents: [],
});
const owner = { __entity: PERSON };
const PRINCIPALS = [person(PERSON), entity('Service', { tools: [] })];
const RESOURCES = [
  person({ type: 'Person', id: 'usr_target' }),
  entity('Agent', { owner, owner_manager: owner }),
  entity('Mandate', {
    principal: owner,
    agent: { __entity: { type: 'Agent', id: 'sample' } },
    agent_owner: owner,
  }),
  entity('Approval', { principal: owner }),
  entity('Tenant'),
];

// The moment at which the sample agent asks.
const NOW: cedar.CedarValueJson = { __extn: { fn: 'datetime', arg: '2026-01-05T12:00:00.000Z' } };
const CONTEXT = { high_value: false, single_admin: false, by_token: false, own_portal: false };

/**
 * Asks about every tool, for a person and for an API key, on every kind of target. Throws if Cedar cannot
 * answer, whatever it would decide.
 */
function ask(parsed: readonly Parsed[], { actions }: Terms): void {
  const prepared = cedar.preparsePolicySet('tried', { staticPolicies: textsOf(parsed) });
  if (prepared.type === 'failure') throw new Error(`policies: ${messages(prepared.errors)}`);
  for (const action of actions) {
    for (const principal of PRINCIPALS) {
      const through = principal.uid === PERSON;
      const context = { surface: 'mcp', through_agent: through, ...(through && { now: NOW }) };
      for (const resource of RESOURCES) evaluate(action, principal, resource, context);
    }
  }
}

/** Cedar's response from the set `tried`. */
function evaluate(
  { name, scope, parents }: Terms['actions'][number],
  principal: cedar.EntityJson,
  resource: cedar.EntityJson,
  context: Readonly<Partial<typeof CONTEXT>> & {
    readonly surface: string;
    readonly through_agent: boolean;
    readonly now?: cedar.CedarValueJson;
  },
): cedar.Response {
  const action = { type: 'Action', id: name };
  const known = { uid: action, attrs: {}, parents: parents.map((id) => ({ type: 'Action', id })) };
  const answer = cedar.statefulIsAuthorized({
    principal: principal.uid,
    action,
    resource: resource.uid,
    context: { tool: name, scope, ...CONTEXT, ...context },
    entities: [known, principal, resource],
    preparsedPolicySetId: 'tried',
  });
  if (answer.type === 'failure') throw new Error(`policies: ${messages(answer.errors)}`);
  return answer.response;
}

const ADMINS = 'role:it_admin';
const ADMIN: cedar.EntityJson = {
  ...person({ type: 'Person', id: 'usr_admin' }),
  attrs: { roles: ['member', 'it_admin'], scopes: [], privileged: 'yes', manager: { __entity: PERSON } },
};
// How an organisation changes its policies: one IT admin asks and another one votes. `surfaces` lists where a
// person can do that directly.
const WAY_BACK = [
  { tool: 'policy_show', on: 'Tenant', surfaces: ['slack'] },
  { tool: 'policy_set', on: 'Tenant', surfaces: ['slack'] },
  { tool: 'approval_decide', on: 'Approval', surfaces: ['slack', 'browser'] },
];

/**
 * Throws if IT admins could no longer change the policies themselves. It tests an admin who has every scope.
 * A text that names people, or that requires more votes than there are admins, can still lock out the actual
 * ones: `way-back.ts` asks about those.
 */
function requireWayBack(parsed: readonly Parsed[], { actions }: Terms): void {
  const policies = new Map(parsed.map(({ policy }) => [policy.id, policy]));
  const scopes = actions.map(({ scope }) => scope);
  const admin = { ...ADMIN, attrs: { ...ADMIN.attrs, scopes } };
  for (const { tool, on, surfaces } of WAY_BACK) {
    const action = actions.find(({ name }) => name === tool);
    const resource = RESOURCES.find(({ uid }) => 'type' in uid && uid.type === on);
    if (action === undefined || resource === undefined) continue;
    for (const single_admin of [false, true]) {
      const found = surfaces.map((surface) =>
        findObstacle(
          tool,
          policies,
          evaluate(action, admin, resource, { surface, single_admin, through_agent: false }),
        ),
      );
      if (!found.includes(null))
        throw new Error(
          `${found[0]}, so nobody could change the policies any more: exclude policy_show, policy_set and approval_decide, for example with unless { ["policy_show", "policy_set", "approval_decide"].contains(context.tool) }`,
        );
    }
  }
}

/** What keeps an IT admin from using this tool, in words, or null. */
function findObstacle(
  tool: string,
  policies: ReadonlyMap<string, Policy>,
  { decision, diagnostics: { reason, errors } }: cedar.Response,
): string | null {
  const [error] = errors;
  if (error !== undefined) return `policy ${error.policyId} cannot be evaluated for ${tool}`;
  // A denial without a reason means that nothing permits it. The shipped policies are responsible for that.
  if (decision === 'deny')
    return reason[0] === undefined ? null : `policy ${reason[0]} forbids ${tool} to IT admins`;
  // Policy cannot ask for votes on a vote or on a read. For a change of policies others may vote too, but
  // they might not exist.
  const asks = reason
    .map((id) => policies.get(id))
    .find((policy) => {
      if (policy?.requirement == null || policy.stays) return false;
      const { approver, fallback } = policy.requirement;
      return tool !== 'policy_set' || (approver !== ADMINS && fallback !== ADMINS);
    });
  if (asks === undefined) return null;
  const mend = tool === 'policy_set' ? ` without @fallback("${ADMINS}")` : '';
  return `policy ${asks.id} requires an approval for ${tool}${mend}`;
}
