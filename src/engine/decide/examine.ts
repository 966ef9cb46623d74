import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { messages, parsePolicies, type Origin, type Parsed } from './parse.ts';

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
 * that means nothing, or changes a policy that stays. Runs in whatever instance of Cedar this thread has, which a text that is not
 * `withinLimits` can break: a tenant's is for `tryOut` alone.
 */
export function examine(text: string, origin: Origin, terms: Terms): Parsed[] {
  const parsed = parsePolicies(text, origin);
  const own = origin === 'shipped' ? parsed : withoutStaying(parsed, terms.staying);
  validate(own, terms.schema);
  if (origin === 'tenant') ask([...own, ...terms.staying], terms);
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

/** Asks every tool of a person and of an API key, on every kind of target: whatever the text makes of it, Cedar must be able to answer. */
function ask(parsed: readonly Parsed[], { actions }: Terms): void {
  const prepared = cedar.preparsePolicySet('tried', { staticPolicies: textsOf(parsed) });
  if (prepared.type === 'failure') throw new Error(`policies: ${messages(prepared.errors)}`);
  for (const { name, scope, parents } of actions) {
    const action = { type: 'Action', id: name };
    const known = { uid: action, attrs: {}, parents: parents.map((id) => ({ type: 'Action', id })) };
    for (const principal of PRINCIPALS) {
      for (const resource of RESOURCES) {
        const answer = cedar.statefulIsAuthorized({
          principal: principal.uid,
          action,
          resource: resource.uid,
          context: {
            tool: name,
            scope,
            surface: 'mcp',
            through_agent: principal.uid === PERSON,
            high_value: false,
            single_admin: false,
            by_token: false,
            own_portal: false,
          },
          entities: [known, principal, resource],
          preparsedPolicySetId: 'tried',
        });
        if (answer.type === 'failure') throw new Error(`policies: ${messages(answer.errors)}`);
      }
    }
  }
}
