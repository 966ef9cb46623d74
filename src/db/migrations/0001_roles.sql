-- The server works as prokura_server: neither owner nor superuser, so that row-level security binds it (law 10).
-- Where somebody with more rights has made and granted it beforehand, nothing is asked for that the owner may not do.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'prokura_server') THEN
    CREATE ROLE prokura_server NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;--> statement-breakpoint
DO $$ BEGIN
  IF NOT pg_has_role(current_user, 'prokura_server', 'SET') THEN
    GRANT prokura_server TO CURRENT_USER;
  END IF;
END $$;--> statement-breakpoint
GRANT USAGE ON SCHEMA public TO prokura_server;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO prokura_server;--> statement-breakpoint
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO prokura_server;--> statement-breakpoint
-- The ledger and the facts are append-only, for the server too.
REVOKE UPDATE, DELETE ON ledger FROM prokura_server;--> statement-breakpoint
REVOKE UPDATE, DELETE ON facts FROM prokura_server;--> statement-breakpoint
-- One row about the whole installation. The server's role reaches it only through the functions below.
CREATE TABLE installation (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  mode text NOT NULL CHECK (mode IN ('sandbox', 'live')),
  bootstrap_hash text,
  created_at timestamptz NOT NULL DEFAULT now()
);--> statement-breakpoint
REVOKE ALL ON installation FROM prokura_server;--> statement-breakpoint
-- Spends the one-time token: true for exactly one caller.
CREATE FUNCTION bootstrap_claim(p_hash text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE installation SET bootstrap_hash = NULL WHERE bootstrap_hash = p_hash;
  RETURN FOUND;
END $$;--> statement-breakpoint
-- The only question that is answered without a tenant: whose is this key?
CREATE FUNCTION tenant_of(p_kind text, p_key text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT CASE p_kind
    WHEN 'tenant' THEN (SELECT id FROM tenants WHERE id = p_key)
    WHEN 'slack_team' THEN (SELECT id FROM tenants WHERE slack_team_id = p_key)
    WHEN 'agent' THEN (SELECT tenant_id FROM agents WHERE id = p_key)
    WHEN 'only' THEN (SELECT min(id) FROM tenants HAVING count(*) = 1)
  END
$$;--> statement-breakpoint
REVOKE ALL ON FUNCTION bootstrap_claim(text), tenant_of(text, text) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION bootstrap_claim(text), tenant_of(text, text) TO prokura_server;--> statement-breakpoint
-- Standing and authority behind mandates, in one round trip (design/architecture.md, "Hot reads"). Security invoker: row-level
-- security holds inside. A mandate that is not there, or another tenant's, gives no row.
CREATE FUNCTION hot_mandates(p_tenant text, p_ids text[]) RETURNS TABLE (
  mandate_id text, state text, scopes text[], resources text[], tools text[], uses int, max_uses int, offline boolean,
  starts_at timestamptz, expires_at timestamptz, mandate_epoch int,
  person_id text, provider text, uid text, email text, person_status text, scim_active boolean, held boolean, person_epoch int,
  agent_id text, agent_name text, owner_id text, ceiling text[], agent_status text, agent_epoch int,
  tenant_status text, tenant_epoch int, authority text[]
) LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT m.id, m.state, m.scopes, m.resources, m.tools, m.uses, m.max_uses, m.offline, m.starts_at, m.expires_at, m.epoch,
           p.id, p.provider, p.uid, p.email, p.status, p.scim_active, p.held, p.epoch,
           a.id, a.name, a.owner_id, a.ceiling, a.status, a.epoch, t.status, t.epoch,
           ARRAY(SELECT DISTINCT unnest(g.scopes) FROM memberships ms
                   JOIN groups gr ON gr.tenant_id = ms.tenant_id AND gr.id = ms.group_id
                   JOIN group_mappings g ON g.tenant_id = gr.tenant_id AND g.source = gr.source AND g.group_uid = gr.uid
                  WHERE ms.tenant_id = p.tenant_id AND ms.person_id = p.id)
      FROM mandates m
      JOIN people p ON p.tenant_id = m.tenant_id AND p.id = m.principal_id
      JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
      JOIN tenants t ON t.id = m.tenant_id
     WHERE m.tenant_id = p_tenant AND m.id = ANY (p_ids);
END $$;--> statement-breakpoint
-- A SCIM user by id, in one round trip.
CREATE FUNCTION hot_scim_user(p_tenant text, p_id text) RETURNS SETOF people LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY SELECT * FROM people p WHERE p.tenant_id = p_tenant AND p.scim_id = p_id;
END $$;--> statement-breakpoint
-- Whose API key is this? By its digest, in one round trip.
CREATE FUNCTION hot_api_key(p_tenant text, p_hash text) RETURNS SETOF api_keys LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY SELECT * FROM api_keys k WHERE k.tenant_id = p_tenant AND k.hash = p_hash AND k.revoked_at IS NULL;
END $$;
