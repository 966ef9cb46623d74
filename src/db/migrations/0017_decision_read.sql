-- Everything that a decision looks at, read by one function, in two ways. `decision_read` is STABLE: all of it is one snapshot, that of
-- the statement that asks. `decision_facts`, inside a transaction that has named its tenant, takes its locks and then asks, so that it sees
-- what was committed while it waited (law 2). `hot_decision` is the same without a transaction of its own: it names the tenant for its one
-- statement, like hot_mandates (0001). Security invoker: row-level security holds inside.
ALTER FUNCTION decision_policy(text) STABLE;--> statement-breakpoint
DROP FUNCTION decision_facts(text, text, text, text, text[], text[], boolean);--> statement-breakpoint
CREATE FUNCTION decision_read(p_tenant text, p_principal text, p_agent text, p_mandate text, p_key text, p_types text[], p_ids text[])
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
        'state', m.state, 'reason', m.reason, 'uses', m.uses, 'maxUses', m.max_uses, 'startsAt', m.starts_at, 'expiresAt', m.expires_at,
        'amount', m.amount, 'currency', m.currency, 'window', m."window", 'agentStatus', a.status, 'ceiling', a.ceiling)
        ORDER BY u.depth), '[]')
      FROM up u
      JOIN mandates m ON m.tenant_id = p_tenant AND m.id = u.id
      JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id),
    'targets', (
      SELECT coalesce(jsonb_agg(decision_target(p_tenant, t.type, t.id) ORDER BY t.n), '[]')
        FROM unnest(p_types, p_ids) WITH ORDINALITY AS t(type, id, n))
  ) INTO v_facts;
  RETURN v_facts;
END $$;--> statement-breakpoint
CREATE FUNCTION decision_facts(p_tenant text, p_principal text, p_agent text, p_mandate text, p_key text, p_types text[], p_ids text[], p_lock boolean)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
  v_chain text[];
BEGIN
  IF p_lock THEN
    WITH RECURSIVE up(id, parent_id, depth) AS (
      SELECT m.id, m.parent_id, 0 FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = p_mandate
      UNION ALL
      SELECT m.id, m.parent_id, u.depth + 1 FROM mandates m JOIN up u ON m.tenant_id = p_tenant AND m.id = u.parent_id WHERE u.depth < 16
    ) SELECT array_agg(id) INTO v_chain FROM up;
    PERFORM 1 FROM people WHERE tenant_id = p_tenant AND id = p_principal FOR SHARE;
    PERFORM 1 FROM agents WHERE tenant_id = p_tenant AND id = p_agent FOR SHARE;
    PERFORM 1 FROM mandates WHERE tenant_id = p_tenant AND id = ANY (v_chain) ORDER BY id FOR NO KEY UPDATE;
  END IF;
  RETURN decision_read(p_tenant, p_principal, p_agent, p_mandate, p_key, p_types, p_ids);
END $$;--> statement-breakpoint
CREATE FUNCTION hot_decision(p_tenant text, p_principal text, p_agent text, p_mandate text, p_key text, p_types text[], p_ids text[])
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN decision_read(p_tenant, p_principal, p_agent, p_mandate, p_key, p_types, p_ids);
END $$;
--> statement-breakpoint
-- The mandates that a check of another system may mean (POST /v1/verify), in one round trip: one by its id, or those of an agent for a
-- principal, the newest first. What names an agent or a person has been told apart already: an id, a name or address in lower case, or a
-- provider's id. Only ids are found here; the decision reads everything else again.
CREATE FUNCTION hot_candidates(p_tenant text, p_agent_id text, p_agent_name text, p_person_id text, p_email text, p_uid text, p_mandate text, p_limit int)
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
    SELECT array_agg(p.id) INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND (lower(p.email) = p_email OR lower(p.login) = p_email);
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
--> statement-breakpoint
-- Ends mandates that have not ended, with everything below them that has not, and kills their tokens (epoch): one round trip however large the
-- trees. They are held first, in the order of their ids like everywhere; a child is made under a lock on its parent, so once all of them are
-- held, and the tree is as it was, none can appear below them. VOLATILE: each statement sees what was committed while the one before waited.
CREATE FUNCTION end_mandate_trees(p_tenant text, p_roots text[], p_state text, p_reason text, p_at timestamptz)
RETURNS TABLE (mandate_id text, principal text, agent text) LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
  v_tree text[];
  v_held int := -1;
BEGIN
  LOOP
    WITH RECURSIVE tree(id) AS (
      SELECT m.id FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = ANY (p_roots)
      UNION SELECT m.id FROM mandates m JOIN tree t ON m.tenant_id = p_tenant AND m.parent_id = t.id
    ) SELECT coalesce(array_agg(tree.id), '{}') INTO v_tree FROM tree;
    EXIT WHEN cardinality(v_tree) = v_held;
    v_held := cardinality(v_tree);
    PERFORM 1 FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = ANY (v_tree) AND m.state IN ('active', 'frozen') ORDER BY m.id FOR UPDATE;
  END LOOP;
  RETURN QUERY
    WITH ended AS (
      UPDATE mandates m SET state = p_state, reason = p_reason, epoch = m.epoch + 1, ended_at = p_at
       WHERE m.tenant_id = p_tenant AND m.id = ANY (v_tree) AND m.state IN ('active', 'frozen')
      RETURNING m.id, m.principal_id, m.agent_id
    ) SELECT * FROM ended ORDER BY ended.id;
END $$;
