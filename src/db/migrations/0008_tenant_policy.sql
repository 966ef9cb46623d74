-- Which policies decide in a tenant now, beside decision_facts in the same round trip. `version` 0 and a null digest: those that ship.
-- VOLATILE: read after decision_facts has taken its locks, with what was committed meanwhile. `singleAdmin`: the tenant said so, and
-- there is indeed no second person who holds the role.
CREATE FUNCTION decision_policy(p_tenant text) RETURNS jsonb LANGUAGE sql VOLATILE SECURITY INVOKER AS $$
  SELECT jsonb_build_object(
    'version', coalesce(v.version, 0),
    'digest', CASE WHEN coalesce(v.text, '') = '' THEN NULL ELSE encode(sha256(convert_to(v.text, 'UTF8')), 'hex') END,
    'singleAdmin', CASE WHEN t.settings->>'singleAdmin' = 'true' THEN (
      SELECT count(DISTINCT p.id) <= 1 FROM group_mappings g
        JOIN groups gr ON gr.tenant_id = g.tenant_id AND gr.source = g.source AND gr.uid = g.group_uid
        JOIN memberships ms ON ms.tenant_id = gr.tenant_id AND ms.group_id = gr.id
        JOIN people p ON p.tenant_id = ms.tenant_id AND p.id = ms.person_id AND p.status = 'ACTIVE' AND p.scim_active IS DISTINCT FROM false AND NOT p.held
       WHERE g.tenant_id = p_tenant AND g.role = 'it_admin') ELSE false END)
  FROM tenants t
  LEFT JOIN LATERAL (SELECT pv.version, pv.text FROM policy_versions pv WHERE pv.tenant_id = p_tenant ORDER BY pv.version DESC LIMIT 1) v ON true
  WHERE t.id = p_tenant
$$;--> statement-breakpoint
-- What was in force stays readable as it was: versions are only ever added.
REVOKE UPDATE, DELETE ON policy_versions FROM prokura_server;
