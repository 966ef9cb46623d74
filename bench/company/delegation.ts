import { LIST_PLACES } from '#domain/mandate/status-place.ts';
import { activePeople } from './directory.ts';
import type { CompanySize } from './sizes.ts';

/**
 * The nth mandate as a row `terms` of n: where it stands in its block of twenty (1 to 4 are a tree, one below
 * the other), the first of its tree, its number of levels left, its state, and its slots in time. One person
 * has given a hundredth of all.
 */
export const termsOf = (n: string, size: CompanySize, slots: number): string => `
  lateral (select ${n} % 20 as kin, ${n} / 20 % 10 = 3 as stopped,
                  case when ${n} % 20 in (2, 3, 4) then ${n} - ${n} % 20 + 1 else ${n} end as root) block,
  lateral (select
      case when kin between 1 and 4 then 4 - kin else 0 end as depth,
      case when kin in (5, 9, 13) then case when ${n} % 40 < 20 then 'revoked' else 'expired' end
           when kin in (6, 10, 14) or kin between 1 and 4 and stopped then 'frozen' else 'active' end as state,
      case when kin between 2 and 4 then 'parent_frozen' when kin = 6 then 'authority_lost'
           when kin = 10 then 'breaker' else 'session_hold' end as cause,
      case when root <= ${size.mandates} / 100 then ${Math.ceil(activePeople(size) / 2)}
           else 1 + root * 7919 % ${activePeople(size)} end as principal,
      1 + ${n} * 7907 % ${size.agents} as agent,
      (${n} - 1) * ${slots}::bigint / ${size.mandates} as born,
      least(${slots} - 1, (${n} - 1) * ${slots}::bigint / ${size.mandates} + 1 + ${n} % 40) as over) terms`;

/**
 * Statements that make the mandates, with their causes if they are frozen, and their places in the status
 * lists.
 */
export const mandatesSql = (size: CompanySize, slots: number): string => `
  insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, status_index, purpose,
                        parent_id, depth, state, reason, epoch, call_id, starts_at, expires_at, created_at, ended_at)
  select current_setting('app.tenant_id'), pg_temp.fill_id('mdt', n), pg_temp.fill_id('usr', principal),
         pg_temp.fill_id('agt', agent),
         case root % 3 when 0 then '{okta.users.read}' when 1 then '{okta.users.read,okta.password.reset}'
              else '{okta.mfa.reset,okta.password.reset,okta.users.read}' end::text[],
         case when root % 4 = 0 then array['*'] when root % 4 = 1 then array['reports:' || pg_temp.fill_id('usr', principal)]
              else array['person:' || pg_temp.fill_id('usr', 1 + root % ${activePeople(size)}),
                         'group:' || pg_temp.fill_id('grp', 3 + root % (${size.groups} - 2))] end,
         place, 'work that goes on', case when root < n then pg_temp.fill_id('mdt', n - 1) end, depth, state,
         case state when 'frozen' then cause when 'revoked' then 'no longer needed' when 'expired' then 'time' end,
         case state when 'active' then 0 else 1 end, pg_temp.fill_id('call', 2 * n - 1),
         pg_temp.fill_moment(born),
         case when state = 'expired' then pg_temp.fill_moment(over) else now() + (1 + root % 300) * interval '1 day' end,
         pg_temp.fill_moment(born),
         case when state in ('revoked', 'expired') then pg_temp.fill_moment(over) end
    from generate_series(1, ${size.mandates}) n
    join (${freePlaces(size)}) free on free.nth = n, ${termsOf('n', size, slots)};

  insert into mandate_freezes (tenant_id, mandate_id, cause, since)
  select current_setting('app.tenant_id'), pg_temp.fill_id('mdt', n), cause, pg_temp.fill_moment(over)
    from generate_series(1, ${size.mandates}) n, ${termsOf('n', size, slots)}
   where state = 'frozen';`;

/** Places that are free, scattered over lists that are three quarters full, numbered from 1. */
const freePlaces = ({ mandates }: CompanySize): string => {
  const lists = Math.ceil(mandates / (0.75 * LIST_PLACES));
  return `select place, row_number() over (order by place / ${LIST_PLACES}, md5(place::text)) as nth
            from (select place from generate_series(0, ${lists * LIST_PLACES} - 1) place
                  except select status_index from mandates where tenant_id = current_setting('app.tenant_id')) p
           order by nth limit ${mandates}`;
};

/** Calls that gave mandates, one each, as far as there are enough calls: half of all at most. */
export const givingCalls = ({ mandates, calls }: CompanySize): number =>
  Math.min(mandates, Math.floor(calls / 2));

const DECISION = `jsonb_build_object('policies', jsonb_build_array('owners-delegate-to-their-own-agents'),
  'requirements', '[]'::jsonb, 'policyDigest', encode(sha256('shipped'), 'hex'))`;
const DIGEST = `encode(sha256(convert_to(current_setting('app.tenant_id') || 'call' || n, 'UTF8')), 'hex')`;

/**
 * Statements that make the calls that have ended (every other one gave a mandate, the rest are agents' calls
 * under one) and those that wait, each with its approval. Nine of ten wait for the manager of a person who
 * would give a mandate; the others for two IT admins.
 */
export const callsSql = (size: CompanySize, slots: number): string => `
  insert into calls (tenant_id, id, tool, summary, actor, principal_id, agent_id, targets, input, input_digest,
                     state, decision, result, created_at, updated_at, settled_at)
  select current_setting('app.tenant_id'), pg_temp.fill_id('call', 2 * m - 1), 'mandate_create', 'Give a mandate',
         jsonb_build_object('kind', 'person', 'surface', 'slack', 'personId', pg_temp.fill_id('usr', principal),
                            'identity', jsonb_build_object('account', 'T0ACME00000/U' || principal, 'matched_by', 'email')),
         pg_temp.fill_id('usr', principal), null, array[pg_temp.fill_id('agt', agent)],
         jsonb_build_object('agent', pg_temp.fill_id('agt', agent), 'scopes', jsonb_build_array('okta.users.read'),
                            'resources', jsonb_build_array('*'), 'days', 30, 'purpose', 'work that goes on'),
         ${DIGEST}, 'succeeded', ${DECISION},
         jsonb_build_object('mandate_id', pg_temp.fill_id('mdt', m)),
         pg_temp.fill_moment(born), pg_temp.fill_moment(born), pg_temp.fill_moment(born)
    from generate_series(1, ${givingCalls(size)}) m, lateral (select 2 * m - 1 as n) numbered, ${termsOf('m', size, slots)};

  insert into calls (tenant_id, id, tool, summary, actor, principal_id, agent_id, mandate_id, targets, input,
                     input_digest, reason, state, decision, result, error, created_at, updated_at, settled_at)
  select current_setting('app.tenant_id'), pg_temp.fill_id('call', n), tool, 'Act on ' || target,
         jsonb_build_object('kind', 'agent', 'surface', 'mcp', 'agentId', m.agent_id, 'personId', m.principal_id,
                            'mandateId', m.id, 'scopes', to_jsonb(m.scopes), 'jti', md5(n::text)),
         m.principal_id, m.agent_id, m.id, array[target], jsonb_build_object('person', target), ${DIGEST},
         'a ticket asked for it', ended.state, ${DECISION},
         case when ended.state = 'succeeded' then '{"removed": ["push"]}'::jsonb end,
         case when ended.state <> 'succeeded' then jsonb_build_object('code', 'forbidden', 'message', 'The mandate does not cover this person.') end,
         pg_temp.fill_moment(slot), pg_temp.fill_moment(slot), pg_temp.fill_moment(slot)
    from generate_series(1, ${size.calls - givingCalls(size)}) k
   cross join lateral (select 2 * k as n, (array['okta_reset_mfa','okta_reset_password'])[1 + k % 2] as tool,
                         pg_temp.fill_id('usr', 1 + k * 31 % ${activePeople(size)}) as target,
                         case k % 20 when 7 then 'denied' when 13 then 'failed' else 'succeeded' end as state,
                         (k - 1) * ${slots}::bigint / ${size.calls - givingCalls(size)} as slot) ended
    join mandates m on m.tenant_id = current_setting('app.tenant_id') and m.id = pg_temp.fill_id('mdt',
           1 + k * 7919 % greatest(1, k * ${size.mandates}::bigint / ${size.calls - givingCalls(size)}));

  insert into calls (tenant_id, id, tool, summary, actor, principal_id, targets, input, input_digest, state,
                     decision, approval_id, created_at, updated_at)
  select current_setting('app.tenant_id'), pg_temp.fill_id('call', n), 'mandate_create', 'Give a mandate to helper-' || agent,
         jsonb_build_object('kind', 'person', 'surface', 'slack', 'personId', principal,
                            'identity', jsonb_build_object('account', 'T0ACME00000/U' || w, 'matched_by', 'email')),
         principal, array[pg_temp.fill_id('agt', agent)],
         jsonb_build_object('agent', pg_temp.fill_id('agt', agent), 'scopes', jsonb_build_array('okta.users.read'),
                            'resources', jsonb_build_array('*'), 'days', 30, 'purpose', 'work that waits ' || w),
         ${DIGEST}, 'waiting', jsonb_set(${DECISION}, '{requirements}', ${requirement('w')}),
         pg_temp.fill_id('apr', w), pg_temp.fill_moment(${slots} - 1), pg_temp.fill_moment(${slots} - 1)
    from generate_series(1, ${size.waiting}) w,
         lateral (select ${2 * size.calls + 2 * size.mandates} + w as n, 1 + w * 7907 % ${size.agents} as agent,
                         pg_temp.fill_id('usr', 2 + w * 7919 % (${activePeople(size)} - 1)) as principal) asked;

  insert into approvals (tenant_id, id, call_id, digest, requirements, impact, created_at, expires_at)
  select c.tenant_id, c.approval_id, c.id, c.input_digest, c.decision -> 'requirements',
         jsonb_build_object('changes', '[]'::jsonb, 'effect', 'The agent may look up people for 30 days.', 'reversible', true),
         c.created_at, now() + interval '1 hour' + w * interval '${Math.ceil(1_728_000 / size.waiting)} seconds'
    from generate_series(1, ${size.waiting}) w
    join calls c on c.tenant_id = current_setting('app.tenant_id')
                and c.id = pg_temp.fill_id('call', ${2 * size.calls + 2 * size.mandates} + w);`;

/** What the nth waiting call needs. */
const requirement = (n: string): string => `case when ${n} % 10 = 0 then
    jsonb_build_array(jsonb_build_object('policy', 'privileged-people-need-two-admins', 'approver', 'role:it_admin',
      'fallback', null, 'quorum', 2, 'reason', 'Two IT admins must approve.', 'stepUp', false, 'expiresSeconds', null))
  else
    jsonb_build_array(jsonb_build_object('policy', 'another-persons-agent-needs-the-manager', 'approver', 'manager',
      'fallback', 'role:executive', 'quorum', 1,
      'reason', 'Someone else owns this agent, so the principal''s manager must approve.', 'stepUp', false, 'expiresSeconds', null))
  end`;
