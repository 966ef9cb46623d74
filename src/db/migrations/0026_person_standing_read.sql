-- hot_mandates (0022), with the moment up to which tokens of the principal's provider are void.
CREATE OR REPLACE FUNCTION hot_mandates(p_tenant text, p_ids text[], p_jtis text[] DEFAULT '{}') RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object(
           'mandate_id', m.id, 'state', m.state, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
           'amount', trim_scale(m.amount)::text, 'currency', m.currency, 'window', m."window", 'uses', m.uses, 'max_uses', m.max_uses,
           'offline', m.offline, 'starts_at', m.starts_at, 'expires_at', m.expires_at, 'mandate_epoch', m.epoch, 'status_index', m.status_index,
           'person_id', p.id, 'provider', p.provider, 'uid', p.uid, 'person_status', p.status, 'scim_active', p.scim_active, 'held', p.held,
           'person_epoch', p.epoch, 'tokens_not_before', p.tokens_not_before, 'agent_id', a.id, 'agent_name', a.name, 'owner_id', a.owner_id, 'ceiling', a.ceiling,
           'agent_status', a.status, 'agent_epoch', a.epoch, 'tenant_status', t.status, 'tenant_epoch', t.epoch,
           'one_time', t.settings->'oneTimeScopes',
           'authority', ARRAY(SELECT DISTINCT unnest(g.scopes) FROM memberships ms
                   JOIN groups gr ON gr.tenant_id = ms.tenant_id AND gr.id = ms.group_id
                   JOIN group_mappings g ON g.tenant_id = gr.tenant_id AND g.source = gr.source AND g.group_uid = gr.uid
                  WHERE ms.tenant_id = p.tenant_id AND ms.person_id = p.id),
           'chain', CASE WHEN m.parent_id IS NULL THEN '[]'::json ELSE (
             WITH RECURSIVE up(id, parent_id, level) AS (
               SELECT x.id, x.parent_id, 1 FROM mandates x WHERE x.tenant_id = p_tenant AND x.id = m.parent_id
               UNION ALL
               SELECT x.id, x.parent_id, up.level + 1 FROM mandates x JOIN up ON x.tenant_id = p_tenant AND x.id = up.parent_id WHERE up.level < 16
             )
             SELECT json_agg(json_build_object(
                      'mandate_id', c.id, 'person_id', c.principal_id, 'agent_id', c.agent_id, 'state', c.state, 'scopes', c.scopes,
                      'resources', c.resources, 'tools', c.tools, 'amount', trim_scale(c.amount)::text, 'currency', c.currency, 'window', c."window",
                      'uses', c.uses, 'max_uses', c.max_uses, 'starts_at', c.starts_at, 'expires_at', c.expires_at, 'mandate_epoch', c.epoch,
                      'ceiling', b.ceiling, 'agent_status', b.status, 'agent_epoch', b.epoch) ORDER BY up.level)
               FROM up
               JOIN mandates c ON c.tenant_id = p_tenant AND c.id = up.id
               JOIN agents b ON b.tenant_id = p_tenant AND b.id = c.agent_id) END,
           'denied', CASE WHEN p_jtis = '{}' THEN p_jtis ELSE ARRAY(SELECT d.jti FROM token_denials d WHERE d.tenant_id = p_tenant AND d.jti = ANY (p_jtis)) END,
           'providers', (SELECT enabled_providers(p_tenant)))
      FROM mandates m
      JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id
      JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
      JOIN tenants t ON t.id = m.tenant_id
     WHERE m.tenant_id = p_tenant AND m.id = ANY (p_ids);
END $$;--> statement-breakpoint
-- decision_person (0003), with whether the kill switch holds what the person delegates.
CREATE OR REPLACE FUNCTION decision_person(p_tenant text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT jsonb_build_object(
    'id', p.id, 'managerId', p.manager_id, 'displayName', p.display_name, 'status', p.status, 'scimActive', p.scim_active, 'held', p.held,
    'delegationFrozen', p.delegation_frozen_by IS NOT NULL,
    'groupIds', (SELECT coalesce(jsonb_agg(ms.group_id), '[]') FROM memberships ms WHERE ms.tenant_id = p_tenant AND ms.person_id = p.id),
    'roles', coalesce(a.roles, '[]'), 'scopes', coalesce(a.scopes, '[]'))
  FROM people p
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(DISTINCT g.role) AS roles, jsonb_agg(DISTINCT s.scope) FILTER (WHERE s.scope IS NOT NULL) AS scopes
      FROM memberships ms
      JOIN groups gr ON gr.tenant_id = ms.tenant_id AND gr.id = ms.group_id
      JOIN group_mappings g ON g.tenant_id = gr.tenant_id AND g.source = gr.source AND g.group_uid = gr.uid
      LEFT JOIN LATERAL unnest(g.scopes) AS s(scope) ON true
     WHERE ms.tenant_id = p_tenant AND ms.person_id = p.id) a ON true
  WHERE p.tenant_id = p_tenant AND p.id = p_id
$$;--> statement-breakpoint
-- hot_person (0005), with the same: a person who is frozen has no standing through a client.
DROP FUNCTION hot_person(text, text, text[], text[], text[]);--> statement-breakpoint
CREATE FUNCTION hot_person(p_tenant text, p_provider text, p_uids text[], p_grants text[], p_jtis text[]) RETURNS TABLE (
  asked int, uid text, person_id text, display_name text, email text, person_status text, scim_active boolean, held boolean, delegation_frozen boolean, person_epoch int,
  tenant_status text, tenant_epoch int, granted boolean, denied boolean
) LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT q.n::int, p.uid, p.id, p.display_name, p.email, p.status, p.scim_active, p.held, p.delegation_frozen_by IS NOT NULL, p.epoch, t.status, t.epoch,
           EXISTS (SELECT 1 FROM oidc_models o WHERE o.tenant_id = p_tenant AND o.kind = 'Grant' AND o.id = q.grant_id
                      AND (o.expires_at IS NULL OR o.expires_at > now())),
           EXISTS (SELECT 1 FROM token_denials d WHERE d.tenant_id = p_tenant AND d.jti = q.jti)
      FROM unnest(p_uids, p_grants, p_jtis) WITH ORDINALITY AS q(uid, grant_id, jti, n)
      JOIN people p ON p.tenant_id = p_tenant AND p.provider = p_provider AND p.uid = q.uid
      JOIN tenants t ON t.id = p_tenant;
END $$;
