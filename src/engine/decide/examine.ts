import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { messages, parsePolicies, type Origin, type Parsed, type Policy } from './parse.ts';

/** What a text is held against: the catalogue, as far as policies see it, and what stays whatever the text says. */
export interface Terms {
  /** In Cedar's schema language. */
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
 * Every policy of a text, parsed and validated; a tenant's without verbatim copies of what stays, and tried on sample questions beside it.
 * Throws an Error with Cedar's own words where it does not parse, does not fit the schema, lacks or repeats an `@id`, has an annotation
 * that means nothing, changes a policy that stays, or would keep IT admins from changing the policies. Runs in whatever instance of Cedar
 * this thread has, which a text that is not `withinLimits` can break: a tenant's is for `tryOut` alone.
 */
export function examine(text: string, origin: Origin, terms: Terms): Parsed[] {
  const parsed = parsePolicies(text, origin);
  const own = origin === 'shipped' ? parsed : withoutStaying(parsed, terms.staying);
  validate(own, terms.schema);
  if (origin === 'tenant') {
    const whole = [...own, ...terms.staying];
    ask(whole, terms);
    requireWayBack(whole, terms);
  }
  return own;
}

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

const textsOf = (parsed: readonly Parsed[]): Record<string, string> =>
  Object.fromEntries(parsed.map(({ policy }) => [policy.id, policy.text]));

function validate(parsed: readonly Parsed[], schema: string): void {
  const answer = cedar.validate({ schema, policies: { staticPolicies: textsOf(parsed) } });
  if (answer.type === 'failure') throw new Error(`policies: ${messages(answer.errors)}`);
  if (answer.validationErrors.length > 0) {
    throw new Error(
      `policies: ${answer.validationErrors.map((one) => `${one.policyId}: ${one.error.message}`).join('; ')}`,
    );
  }
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

/** A moment at which the sample agent asks. */
const NOW: cedar.CedarValueJson = { __extn: { fn: 'datetime', arg: '2026-01-05T12:00:00.000Z' } };
const CONTEXT = { high_value: false, single_admin: false, by_token: false, own_portal: false };

/** Asks every tool of a person and of an API key, on every kind of target: whatever the text makes of it, Cedar must be able to answer. */
function ask(parsed: readonly Parsed[], { actions }: Terms): void {
  const prepared = cedar.preparsePolicySet('tried', { staticPolicies: textsOf(parsed) });
  if (prepared.type === 'failure') throw new Error(`policies: ${messages(prepared.errors)}`);
  for (const action of actions) {
    for (const principal of PRINCIPALS) {
      const through = principal.uid === PERSON;
      const context = { surface: 'mcp', through_agent: through, ...(through && { now: NOW }) };
      for (const resource of RESOURCES) answered(action, principal, resource, context);
    }
  }
}

/** What the `tried` set says to this. */
function answered(
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
/** How an organisation changes its policies: an IT admin asks, another one votes. With the places where a person's own hand can. */
const WAY_BACK = [
  { tool: 'policy_show', on: 'Tenant', surfaces: ['slack'] },
  { tool: 'policy_set', on: 'Tenant', surfaces: ['slack'] },
  { tool: 'approval_decide', on: 'Approval', surfaces: ['slack', 'browser'] },
];

/**
 * Throws where IT admins could not change the policies any more with their own hands. It asks for one who has every scope: a text that
 * names people, or asks for more votes than there are admins, can still keep out those that there are.
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
        obstacle(
          tool,
          policies,
          answered(action, admin, resource, { surface, single_admin, through_agent: false }),
        ),
      );
      if (!found.includes(null))
        throw new Error(
          `${found[0]}, so nobody could change the policies any more: leave out policy_show, policy_set and approval_decide, for example with unless { ["policy_show", "policy_set", "approval_decide"].contains(context.tool) }`,
        );
    }
  }
}

/** What stands between an IT admin and this tool, in words; null: nothing. */
function obstacle(
  tool: string,
  policies: ReadonlyMap<string, Policy>,
  { decision, diagnostics: { reason, errors } }: cedar.Response,
): string | null {
  const [error] = errors;
  if (error !== undefined) return `policy ${error.policyId} cannot be evaluated for ${tool}`;
  // A no without a reason: nothing permits, which what ships answers for.
  if (decision === 'deny')
    return reason[0] === undefined ? null : `policy ${reason[0]} forbids ${tool} to IT admins`;
  // Nobody votes on a vote, or on what only looks. On a change of policies others may vote too, but they may be nobody.
  const asks = reason
    .map((id) => policies.get(id))
    .find((policy) => {
      if (policy?.requirement == null || policy.stays) return false;
      const { approver, fallback } = policy.requirement;
      return tool !== 'policy_set' || (approver !== ADMINS && fallback !== ADMINS);
    });
  if (asks === undefined) return null;
  const mend = tool === 'policy_set' ? ` without @fallback("${ADMINS}")` : '';
  return `policy ${asks.id} asks for an approval of ${tool}${mend}`;
}
