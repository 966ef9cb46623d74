-- The kill switch on a person is one change of their row: from its commit on, every mandate that they gave reads as frozen, whether or not the job that
-- follows has come to it. hot_mandates (0026) and decision_read (0017), else as they were.
CREATE OR REPLACE FUNCTION hot_mandates(p_tenant text, p_ids text[], p_jtis text[] DEFAULT '{}') RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object(
           'mandate_id', m.id, 'state', CASE WHEN m.state = 'active' AND p.delegation_frozen_by IS NOT NULL THEN 'frozen' ELSE m.state END, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
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
CREATE OR REPLACE FUNCTION decision_read(p_tenant text, p_principal text, p_agent text, p_mandate text, p_key text, p_types text[], p_ids text[])
RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
DECLARE
  v_facts jsonb;
BEGIN
  WITH RECURSIVE up(id, parent_id, depth) AS (
    SELECT m.id, m.parent_id, 0 FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = p_mandate
    UNION ALL
    SELECT m.id, m.parent_id, u.depth + 1 FROM mandates m JOIN up u ON m.tenant_id = p_tenant AND m.id = u.parent_id WHERE u.depth < 16
  )
  SELECT jsonb_build_object(
    'policy', decision_policy(p_tenant),
    'tenantStatus', (SELECT status FROM tenants WHERE id = p_tenant),
    'keyStands', EXISTS (SELECT 1 FROM api_keys k WHERE k.tenant_id = p_tenant AND k.id = p_key AND k.revoked_at IS NULL),
    'principal', decision_person(p_tenant, p_principal),
    'agent', (SELECT jsonb_build_object('id', a.id, 'ownerId', a.owner_id, 'status', a.status, 'ceiling', a.ceiling) FROM agents a WHERE a.tenant_id = p_tenant AND a.id = p_agent),
    'chain', (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', m.id, 'principalId', m.principal_id, 'agentId', m.agent_id, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
        'state', CASE WHEN m.state = 'active' AND p.delegation_frozen_by IS NOT NULL THEN 'frozen' ELSE m.state END,
        'reason', CASE WHEN m.state = 'active' AND p.delegation_frozen_by IS NOT NULL THEN 'admin:' || p.id ELSE m.reason END, 'uses', m.uses, 'maxUses', m.max_uses, 'startsAt', m.starts_at, 'expiresAt', m.expires_at,
        'amount', m.amount, 'currency', m.currency, 'window', m."window", 'agentStatus', a.status, 'ceiling', a.ceiling)
        ORDER BY u.depth), '[]')
      FROM up u
      JOIN mandates m ON m.tenant_id = p_tenant AND m.id = u.id
      JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
      JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id),
    'targets', (
      SELECT coalesce(jsonb_agg(decision_target(p_tenant, t.type, t.id) ORDER BY t.n), '[]')
        FROM unnest(p_types, p_ids) WITH ORDINALITY AS t(type, id, n))
  ) INTO v_facts;
  RETURN v_facts;
END $$;
