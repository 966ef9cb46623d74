-- hot_mandates (0036), with the resource servers of the tenant: what a token may be for, and with which scopes.
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
           'resource_servers', (SELECT coalesce(json_agg(json_build_object('identifier', r.identifier, 'scopes', r.scopes) ORDER BY r.identifier), '[]')
                                 FROM resource_servers r WHERE r.tenant_id = p_tenant),
           'providers', (SELECT enabled_providers(p_tenant)))
      FROM mandates m
      JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id
      JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
      JOIN tenants t ON t.id = m.tenant_id
     WHERE m.tenant_id = p_tenant AND m.id = ANY (p_ids);
END $$;--> statement-breakpoint
-- hot_api_keys (0015), with the resource server that holds the key.
CREATE OR REPLACE FUNCTION hot_api_keys(p_tenant text, p_hashes text[]) RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object('hash', k.hash, 'id', k.id, 'name', k.name, 'scopes', k.scopes, 'source', k.source, 'resource', k.resource,
           'rest_enabled', coalesce(t.settings -> 'enabledProviders' ? 'API_KEY', true))
      FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
     WHERE k.tenant_id = p_tenant AND k.hash = ANY (p_hashes) AND k.revoked_at IS NULL;
END $$;
