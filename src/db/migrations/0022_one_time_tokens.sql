-- hot_mandates (0014), and with each mandate the scopes for which a subject token is good for one exchange (T26): from the tenant's row, which is
-- read anyway.
CREATE OR REPLACE FUNCTION hot_mandates(p_tenant text, p_ids text[], p_jtis text[] DEFAULT '{}') RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object(
           'mandate_id', m.id, 'state', m.state, 'scopes', m.scopes, 'resources', m.resources, 'tools', m.tools,
           'amount', trim_scale(m.amount)::text, 'currency', m.currency, 'window', m."window", 'uses', m.uses, 'max_uses', m.max_uses,
           'offline', m.offline, 'starts_at', m.starts_at, 'expires_at', m.expires_at, 'mandate_epoch', m.epoch, 'status_index', m.status_index,
           'person_id', p.id, 'provider', p.provider, 'uid', p.uid, 'person_status', p.status, 'scim_active', p.scim_active, 'held', p.held,
           'person_epoch', p.epoch, 'agent_id', a.id, 'agent_name', a.name, 'owner_id', a.owner_id, 'ceiling', a.ceiling,
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
-- ledger_batch (0020) for entries with more than one key that may be used once only: either every key of an entry was fresh, all are used up now and the
-- entry is written, or none is used up. The keys of an entry stand together in p_once, in the order in which they are tried. The answer says for each
-- entry which key stood in its way: null where it was written.
DROP FUNCTION ledger_batch(text, text, json, json);--> statement-breakpoint
CREATE FUNCTION ledger_batch(p_tenant text, p_at text, p_lines json, p_once json) RETURNS json LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_used text[] := array_fill(null::text, ARRAY[json_array_length(p_lines)]);
  v_one record;
  v_n int := 0;
  v_spent text[];
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  FOR v_one IN SELECT n, k, x FROM json_to_recordset(p_once) AS one(n int, k text, x timestamptz) LOOP
    IF v_one.n <> v_n THEN
      v_n := v_one.n;
      v_spent := '{}';
    END IF;
    CONTINUE WHEN v_used[v_n] IS NOT NULL;
    INSERT INTO replays (tenant_id, key, expires_at) VALUES (p_tenant, v_one.k, v_one.x) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      v_spent := v_spent || v_one.k;
    ELSE
      v_used[v_n] := v_one.k;
      DELETE FROM replays WHERE tenant_id = p_tenant AND key = ANY (v_spent);
    END IF;
  END LOOP;
  IF array_position(v_used, null) IS NULL THEN
    RETURN to_json(v_used);
  END IF;
  IF cardinality(array_remove(v_used, null)) > 0 THEN
    SELECT json_agg(line ORDER BY n) INTO p_lines
      FROM json_array_elements(p_lines) WITH ORDINALITY AS entry(line, n) WHERE v_used[n] IS NULL;
  END IF;
  PERFORM ledger_append(p_tenant, p_at, p_lines);
  RETURN to_json(v_used);
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_batch(text, text, json, json) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_batch(text, text, json, json) TO prokura_server;
