-- Standing behind the tokens that a person's own clients hold, in one round trip (design/architecture.md, "Hot reads"). Security invoker:
-- row-level security holds inside. p_uids, p_grants and p_jtis are of one length; an empty grant or jti asks nothing about it. A person who
-- is not there, or another tenant's, gives no row.
CREATE FUNCTION hot_person(p_tenant text, p_provider text, p_uids text[], p_grants text[], p_jtis text[]) RETURNS TABLE (
  asked int, uid text, person_id text, display_name text, email text, person_status text, scim_active boolean, held boolean, person_epoch int,
  tenant_status text, tenant_epoch int, granted boolean, denied boolean
) LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT q.n::int, p.uid, p.id, p.display_name, p.email, p.status, p.scim_active, p.held, p.epoch, t.status, t.epoch,
           EXISTS (SELECT 1 FROM oidc_models o WHERE o.tenant_id = p_tenant AND o.kind = 'Grant' AND o.id = q.grant_id
                      AND (o.expires_at IS NULL OR o.expires_at > now())),
           EXISTS (SELECT 1 FROM token_denials d WHERE d.tenant_id = p_tenant AND d.jti = q.jti)
      FROM unnest(p_uids, p_grants, p_jtis) WITH ORDINALITY AS q(uid, grant_id, jti, n)
      JOIN people p ON p.tenant_id = p_tenant AND p.provider = p_provider AND p.uid = q.uid
      JOIN tenants t ON t.id = p_tenant;
END $$;--> statement-breakpoint
-- Everything that a person is signed in to goes when they go: found by the account that each row names.
CREATE INDEX oidc_models_account ON oidc_models (tenant_id, (payload->>'accountId'));
