-- Everything that a decision looks at, in one round trip (design/architecture.md, "Hot reads"). Security invoker, inside a transaction
-- that has named its tenant. With p_lock the principal, the agent, the mandate and its ancestors are held FOR SHARE until the commit,
-- in this order everywhere, and read after they are held (law 2): a function that is VOLATILE sees what was committed meanwhile.
CREATE FUNCTION decision_person(p_tenant text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT jsonb_build_object(
    'id', p.id, 'managerId', p.manager_id, 'displayName', p.display_name, 'status', p.status, 'scimActive', p.scim_active, 'held', p.held,
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
CREATE FUNCTION decision_target(p_tenant text, p_type text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT CASE p_type
    WHEN 'Tenant' THEN jsonb_build_object('type', 'Tenant', 'id', p_tenant)
    WHEN 'Person' THEN (SELECT jsonb_build_object('type', 'Person', 'id', p_id, 'person', d) FROM decision_person(p_tenant, p_id) d WHERE d IS NOT NULL)
    WHEN 'Agent' THEN (
      SELECT jsonb_build_object('type', 'Agent', 'id', a.id, 'ownerId', a.owner_id, 'ownerManagerId', o.manager_id)
        FROM agents a LEFT JOIN people o ON o.tenant_id = a.tenant_id AND o.id = a.owner_id WHERE a.tenant_id = p_tenant AND a.id = p_id)
    WHEN 'Mandate' THEN (
      SELECT jsonb_build_object('type', 'Mandate', 'id', m.id, 'principalId', m.principal_id, 'agentId', m.agent_id, 'agentOwnerId', a.owner_id, 'principalManagerId', p.manager_id)
        FROM mandates m
        JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
        JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id
       WHERE m.tenant_id = p_tenant AND m.id = p_id)
    WHEN 'Approval' THEN (
      SELECT jsonb_build_object('type', 'Approval', 'id', a.id, 'principalId', c.principal_id)
        FROM approvals a JOIN calls c ON c.tenant_id = a.tenant_id AND c.id = a.call_id WHERE a.tenant_id = p_tenant AND a.id = p_id)
  END
$$;--> statement-breakpoint
CREATE FUNCTION decision_facts(p_tenant text, p_principal text, p_agent text, p_mandate text, p_types text[], p_ids text[], p_lock boolean)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
  v_chain text[];
  v_facts jsonb;
BEGIN
  WITH RECURSIVE chain(id, parent_id, depth) AS (
    SELECT m.id, m.parent_id, 0 FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = p_mandate
    UNION ALL
    SELECT m.id, m.parent_id, c.depth + 1 FROM mandates m JOIN chain c ON m.tenant_id = p_tenant AND m.id = c.parent_id WHERE c.depth < 16
  ) SELECT array_agg(id ORDER BY depth) INTO v_chain FROM chain;
  IF p_lock THEN
    PERFORM 1 FROM people WHERE tenant_id = p_tenant AND id = p_principal FOR SHARE;
    PERFORM 1 FROM agents WHERE tenant_id = p_tenant AND id = p_agent FOR SHARE;
    PERFORM 1 FROM mandates WHERE tenant_id = p_tenant AND id = ANY (v_chain) ORDER BY id FOR SHARE;
  END IF;
  SELECT jsonb_build_object(
    'tenantStatus', (SELECT status FROM tenants WHERE id = p_tenant),
    'principal', decision_person(p_tenant, p_principal),
    'agent', (SELECT jsonb_build_object('id', a.id, 'ownerId', a.owner_id, 'status', a.status, 'ceiling', a.ceiling) FROM agents a WHERE a.tenant_id = p_tenant AND a.id = p_agent),
    'chain', (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', m.id, 'principalId', m.principal_id, 'agentId', m.agent_id, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
        'state', m.state, 'reason', m.reason, 'uses', m.uses, 'maxUses', m.max_uses, 'startsAt', m.starts_at, 'expiresAt', m.expires_at,
        'amount', m.amount, 'currency', m.currency, 'window', m."window") ORDER BY array_position(v_chain, m.id)), '[]')
      FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = ANY (v_chain)),
    'targets', (
      SELECT coalesce(jsonb_agg(decision_target(p_tenant, t.type, t.id) ORDER BY t.n), '[]')
        FROM unnest(p_types, p_ids) WITH ORDINALITY AS t(type, id, n))
  ) INTO v_facts;
  RETURN v_facts;
END $$;
