-- hot_mandates (0001) with what chains, details and revoked tokens need, still in one round trip and one statement: every strict read of a
-- token's standing sees one snapshot. `chain` is null for a mandate without a parent, so the plain path pays nothing for it; otherwise its
-- ancestors, the parent first, each with what a child stands on. `denied` are those of p_jtis that were revoked one by one (RFC 7009).
DROP FUNCTION hot_mandates(text, text[]);--> statement-breakpoint
CREATE FUNCTION hot_mandates(p_tenant text, p_ids text[], p_jtis text[] DEFAULT '{}') RETURNS TABLE (
  mandate_id text, state text, scopes text[], resources text[], tools text[], amount text, currency text, "window" jsonb, uses int, max_uses int, offline boolean,
  starts_at timestamptz, expires_at timestamptz, mandate_epoch int, status_index int,
  person_id text, provider text, uid text, email text, person_status text, scim_active boolean, held boolean, person_epoch int,
  agent_id text, agent_name text, owner_id text, ceiling text[], agent_status text, agent_epoch int,
  tenant_status text, tenant_epoch int, authority text[], chain jsonb, denied text[]
) LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT m.id, m.state, m.scopes, m.resources, m.tools, trim_scale(m.amount)::text, m.currency, m."window", m.uses, m.max_uses, m.offline, m.starts_at, m.expires_at,
           m.epoch, m.status_index,
           p.id, p.provider, p.uid, p.email, p.status, p.scim_active, p.held, p.epoch,
           a.id, a.name, a.owner_id, a.ceiling, a.status, a.epoch, t.status, t.epoch,
           ARRAY(SELECT DISTINCT unnest(g.scopes) FROM memberships ms
                   JOIN groups gr ON gr.tenant_id = ms.tenant_id AND gr.id = ms.group_id
                   JOIN group_mappings g ON g.tenant_id = gr.tenant_id AND g.source = gr.source AND g.group_uid = gr.uid
                  WHERE ms.tenant_id = p.tenant_id AND ms.person_id = p.id),
           CASE WHEN m.parent_id IS NULL THEN NULL ELSE (
             WITH RECURSIVE up(id, parent_id, level) AS (
               SELECT x.id, x.parent_id, 1 FROM mandates x WHERE x.tenant_id = p_tenant AND x.id = m.parent_id
               UNION ALL
               SELECT x.id, x.parent_id, up.level + 1 FROM mandates x JOIN up ON x.tenant_id = p_tenant AND x.id = up.parent_id WHERE up.level < 16
             )
             SELECT jsonb_agg(jsonb_build_object(
                      'mandate_id', c.id, 'person_id', c.principal_id, 'agent_id', c.agent_id, 'state', c.state, 'scopes', c.scopes,
                      'resources', c.resources, 'tools', c.tools, 'amount', trim_scale(c.amount)::text, 'currency', c.currency, 'window', c."window",
                      'uses', c.uses, 'max_uses', c.max_uses, 'starts_at', c.starts_at, 'expires_at', c.expires_at, 'mandate_epoch', c.epoch,
                      'ceiling', b.ceiling, 'agent_status', b.status, 'agent_epoch', b.epoch) ORDER BY up.level)
               FROM up
               JOIN mandates c ON c.tenant_id = p_tenant AND c.id = up.id
               JOIN agents b ON b.tenant_id = p_tenant AND b.id = c.agent_id) END,
           CASE WHEN p_jtis = '{}' THEN p_jtis ELSE ARRAY(SELECT d.jti FROM token_denials d WHERE d.tenant_id = p_tenant AND d.jti = ANY (p_jtis)) END
      FROM mandates m
      JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id
      JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
      JOIN tenants t ON t.id = m.tenant_id
     WHERE m.tenant_id = p_tenant AND m.id = ANY (p_ids);
END $$;
