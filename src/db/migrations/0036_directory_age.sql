-- Until when what is known of a person at the identity provider may be relied on: as old as the read of them alone (checked_at), or as the
-- older of their line in the last list and the last complete import, which read the memberships too; plus the tenant's bound, six hours
-- where it has none. Null where no directory tells of them.
CREATE FUNCTION directory_until(p_tenant text, p_provider text, p_read_at timestamptz, p_checked_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT greatest(p_checked_at, least(p_read_at, coalesce(c.last_sync_at, 'epoch')))
         + make_interval(secs => coalesce((t.settings ->> 'directorySeconds')::int, 21600))
    FROM connections c JOIN tenants t ON t.id = c.tenant_id
   WHERE c.tenant_id = p_tenant AND c.vendor = p_provider LIMIT 1
$$;--> statement-breakpoint
-- hot_mandates (0032), with until when what is known of the principal may be relied on.
CREATE OR REPLACE FUNCTION hot_mandates(p_tenant text, p_ids text[], p_jtis text[] DEFAULT '{}') RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object(
           'mandate_id', m.id, 'state', CASE WHEN m.state = 'active' AND p.delegation_frozen_by IS NOT NULL THEN 'frozen' ELSE m.state END, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
           'amount', trim_scale(m.amount)::text, 'currency', m.currency, 'window', m."window", 'uses', m.uses, 'max_uses', m.max_uses,
           'offline', m.offline, 'starts_at', m.starts_at, 'expires_at', m.expires_at, 'mandate_epoch', m.epoch, 'status_index', m.status_index,
           'person_id', p.id, 'provider', p.provider, 'uid', p.uid, 'person_status', p.status, 'scim_active', p.scim_active, 'held', p.held,
           'directory_until', directory_until(p_tenant, p.provider, p.read_at, p.checked_at),
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
-- decision_person (0026), with the same.
CREATE OR REPLACE FUNCTION decision_person(p_tenant text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT jsonb_build_object(
    'id', p.id, 'managerId', p.manager_id, 'displayName', p.display_name, 'status', p.status, 'scimActive', p.scim_active, 'held', p.held,
    'delegationFrozen', p.delegation_frozen_by IS NOT NULL,
    'directoryUntil', directory_until(p_tenant, p.provider, p.read_at, p.checked_at),
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
-- hot_candidates (0017), as `peopleByEmail` has it: a former account does not make an address ambiguous.
CREATE OR REPLACE FUNCTION hot_candidates(p_tenant text, p_agent_id text, p_agent_name text, p_person_id text, p_email text, p_uid text, p_mandate text, p_limit int)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
  v_agent text;
  v_people text[];
  v_found text[];
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  IF p_agent_id IS NOT NULL OR p_agent_name IS NOT NULL THEN
    SELECT a.id INTO v_agent FROM agents a WHERE a.tenant_id = p_tenant AND (a.id = p_agent_id OR lower(a.name) = p_agent_name);
  END IF;
  IF p_person_id IS NOT NULL THEN
    SELECT array_agg(p.id) INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND p.id = p_person_id;
  ELSIF p_email IS NOT NULL THEN
    SELECT coalesce(array_agg(p.id) FILTER (WHERE p.status <> 'DEPROVISIONED' AND p.missing_at IS NULL), array_agg(p.id))
      INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND (lower(p.email) = p_email OR lower(p.login) = p_email);
  ELSIF p_uid IS NOT NULL THEN
    SELECT array_agg(p.id) INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND p.uid = p_uid;
  END IF;
  IF p_mandate IS NOT NULL THEN
    v_found := ARRAY[p_mandate];
  ELSE
    v_found := ARRAY(SELECT m.id FROM mandates m WHERE m.tenant_id = p_tenant AND m.agent_id = v_agent AND m.principal_id = v_people[1] ORDER BY m.id DESC LIMIT p_limit);
  END IF;
  RETURN jsonb_build_object('agentId', v_agent, 'people', coalesce(to_jsonb(v_people), '[]'), 'mandates', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'agentId', m.agent_id, 'principalId', m.principal_id, 'scopes', m.scopes, 'state', m.state) ORDER BY m.id DESC), '[]')
      FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = ANY (v_found)));
END $$;
