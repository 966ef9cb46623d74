-- decision_facts and decision_target (0003) with what delegation in full needs. The mandate and its ancestors are held FOR NO KEY UPDATE
-- instead of FOR SHARE: a call that spends a use updates them in the same transaction, and two that hold a share would wait for each other.
-- Each ancestor comes with its agent's status and ceiling, since a child is bounded by what its parent's agent may hold; a mandate as a
-- target comes with the manager of its agent's owner, since renewing it asks what giving it asked.
CREATE OR REPLACE FUNCTION decision_target(p_tenant text, p_type text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT CASE p_type
    WHEN 'Tenant' THEN jsonb_build_object('type', 'Tenant', 'id', p_tenant)
    WHEN 'Person' THEN (SELECT jsonb_build_object('type', 'Person', 'id', p_id, 'person', d) FROM decision_person(p_tenant, p_id) d WHERE d IS NOT NULL)
    WHEN 'Agent' THEN (
      SELECT jsonb_build_object('type', 'Agent', 'id', a.id, 'ownerId', a.owner_id, 'ownerManagerId', o.manager_id)
        FROM agents a LEFT JOIN people o ON o.tenant_id = a.tenant_id AND o.id = a.owner_id WHERE a.tenant_id = p_tenant AND a.id = p_id)
    WHEN 'Mandate' THEN (
      SELECT jsonb_build_object('type', 'Mandate', 'id', m.id, 'principalId', m.principal_id, 'agentId', m.agent_id, 'agentOwnerId', a.owner_id,
                                'principalManagerId', p.manager_id, 'agentOwnerManagerId', o.manager_id)
        FROM mandates m
        JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
        JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id
        LEFT JOIN people o ON o.tenant_id = a.tenant_id AND o.id = a.owner_id
       WHERE m.tenant_id = p_tenant AND m.id = p_id)
    WHEN 'Approval' THEN (
      SELECT jsonb_build_object('type', 'Approval', 'id', a.id, 'principalId', c.principal_id)
        FROM approvals a JOIN calls c ON c.tenant_id = a.tenant_id AND c.id = a.call_id WHERE a.tenant_id = p_tenant AND a.id = p_id)
  END
$$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION decision_facts(p_tenant text, p_principal text, p_agent text, p_mandate text, p_types text[], p_ids text[], p_lock boolean)
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
    PERFORM 1 FROM mandates WHERE tenant_id = p_tenant AND id = ANY (v_chain) ORDER BY id FOR NO KEY UPDATE;
  END IF;
  SELECT jsonb_build_object(
    'tenantStatus', (SELECT status FROM tenants WHERE id = p_tenant),
    'principal', decision_person(p_tenant, p_principal),
    'agent', (SELECT jsonb_build_object('id', a.id, 'ownerId', a.owner_id, 'status', a.status, 'ceiling', a.ceiling) FROM agents a WHERE a.tenant_id = p_tenant AND a.id = p_agent),
    'chain', (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', m.id, 'principalId', m.principal_id, 'agentId', m.agent_id, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
        'state', m.state, 'reason', m.reason, 'uses', m.uses, 'maxUses', m.max_uses, 'startsAt', m.starts_at, 'expiresAt', m.expires_at,
        'amount', m.amount, 'currency', m.currency, 'window', m."window", 'agentStatus', a.status, 'ceiling', a.ceiling)
        ORDER BY array_position(v_chain, m.id)), '[]')
      FROM mandates m JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
     WHERE m.tenant_id = p_tenant AND m.id = ANY (v_chain)),
    'targets', (
      SELECT coalesce(jsonb_agg(decision_target(p_tenant, t.type, t.id) ORDER BY t.n), '[]')
        FROM unnest(p_types, p_ids) WITH ORDINALITY AS t(type, id, n))
  ) INTO v_facts;
  RETURN v_facts;
END $$;
