-- What drizzle does not generate from the tables: the server's role and its rights, functions, triggers.
--
-- The server works as prokura_server. It is neither owner nor superuser, so row-level security applies to it
-- (law 10). If somebody with more rights has created and granted the role already, nothing here needs a right
-- that the owner of the database does not have.
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
-- The server can add to these, but never change or remove what is there: the ledger and its checkpoints,
-- votes, and the policies that were once in force.
REVOKE UPDATE, DELETE, TRUNCATE ON ledger, ledger_checkpoints, votes, policy_versions FROM prokura_server;--> statement-breakpoint
-- One row about the whole installation. The server reaches it only through functions.
CREATE TABLE installation (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  mode text NOT NULL CHECK (mode IN ('sandbox', 'live')),
  bootstrap_hash text,
  created_at timestamptz NOT NULL DEFAULT now()
);--> statement-breakpoint
REVOKE ALL ON installation FROM prokura_server;--> statement-breakpoint
-- Functions that work with the owner's rights, so that they answer without a tenant. Each answers one
-- question, and only the server's role can ask. pg_temp stands last in their search path: otherwise a
-- caller's temporary tables would be found first (PostgreSQL manual, CREATE FUNCTION, "Writing SECURITY
-- DEFINER Functions Safely").
--
-- Spends the one-time token of the first administrators. True for exactly one caller.
CREATE FUNCTION bootstrap_claim(p_hash text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE installation SET bootstrap_hash = NULL WHERE bootstrap_hash = p_hash;
  RETURN FOUND;
END $$;--> statement-breakpoint
-- Whether that token could be spent. Asked before anything else is looked up for a caller.
CREATE FUNCTION bootstrap_valid(p_hash text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM installation WHERE bootstrap_hash = p_hash)
$$;--> statement-breakpoint
-- Whose is this key?
CREATE FUNCTION tenant_of(p_kind text, p_key text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE p_kind
    WHEN 'tenant' THEN (SELECT id FROM tenants WHERE id = p_key)
    WHEN 'slack_team' THEN (SELECT id FROM tenants WHERE slack_team_id = p_key)
    WHEN 'agent' THEN (SELECT tenant_id FROM agents WHERE id = p_key)
    WHEN 'only' THEN (SELECT min(id) FROM tenants HAVING count(*) = 1)
  END
$$;--> statement-breakpoint
-- For work that is done for each tenant: the tenants' ids, and nothing else about them.
CREATE FUNCTION every_tenant() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id FROM tenants ORDER BY id
$$;--> statement-breakpoint
-- Whether this installation is a sandbox. Only there can an agent's keys be published on this machine.
CREATE FUNCTION installation_mode() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT mode FROM installation
$$;--> statement-breakpoint
-- The numbers of the ledger entries that name all of p_things. The array operators are not leakproof, so
-- their index would not be used under row-level security. This function compares the tenant itself: the one
-- that the transaction has set, and no other.
CREATE FUNCTION ledger_about(
  p_things text[], p_events text[], p_from timestamptz, p_to timestamptz, p_after bigint, p_before bigint, p_newest boolean, p_limit int
) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT l.seq FROM ledger l
     WHERE l.tenant_id = current_setting('app.tenant_id', true) AND l.things @> p_things
       AND (p_events IS NULL OR l.event = ANY (p_events))
       AND (p_from IS NULL OR l.at >= p_from) AND (p_to IS NULL OR l.at < p_to)
       AND l.seq > p_after AND (p_before IS NULL OR l.seq < p_before)
     ORDER BY CASE WHEN p_newest THEN -l.seq ELSE l.seq END
     LIMIT p_limit;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION bootstrap_claim(text),
  bootstrap_valid(text),
  tenant_of(text, text),
  every_tenant(),
  installation_mode(),
  ledger_about(text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION bootstrap_claim(text),
  bootstrap_valid(text),
  tenant_of(text, text),
  every_tenant(),
  installation_mode(),
  ledger_about(text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int) TO prokura_server;--> statement-breakpoint
-- All functions below work with the rights of their caller, so row-level security holds inside.
--
-- What decides is read and written at the primary only, since a standby may lag behind and would still allow
-- what has been revoked (law 4). 25006 is the error that a write gets there, so a read is refused in the same
-- way (src/db/reach.ts). It also takes a connection to which row-level security applies: a pooler may drop
-- the start-up parameter by which the server takes its role, and the server would then work as the owner, who
-- sees the rows of every tenant and can rewrite the ledger. 28000 is refused like a database that cannot be
-- reached. STABLE, so that WHERE primary_only() is asked once and first, whether or not there are rows.
CREATE FUNCTION primary_only() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
BEGIN
  IF pg_catalog.pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this database server is a standby' USING ERRCODE = '25006', HINT = 'Connect to the primary.';
  END IF;
  IF NOT pg_catalog.row_security_active('public.people'::pg_catalog.regclass) THEN
    RAISE EXCEPTION 'row-level security does not bind this connection: it works as %', current_user
      USING ERRCODE = '28000', HINT = 'Let the pooler pass on the start-up parameter role, or connect to PostgreSQL without it.';
  END IF;
  RETURN true;
END $$;--> statement-breakpoint
-- Appends entries to a tenant's ledger in one round trip, and continues the hash chain while its head is
-- locked. p_lines is one JSON array with an object for each entry: i(d), e(vent), a(ctor), d(ata), and
-- t(hings) joined by U+001F. What is hashed is the canonical JSON (RFC 8785) of an entry; `d` is canonical
-- already and is hashed exactly as it came, since json keeps every character. `entryHash`
-- (src/domain/ledger/entry.ts) computes the same for verification. In a transaction this is the last
-- statement (law 11). Returns the last number.
CREATE FUNCTION ledger_append(p_tenant text, p_at text, p_lines json) RETURNS bigint LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_ids text[];
  v_events text[];
  v_actors text[];
  v_data text[];
  v_things text[];
  v_seq bigint;
  v_first bigint;
  v_hash text;
  v_hashes text[] := '{}';
  v_previous text[] := '{}';
BEGIN
  -- Taken apart before the head is locked.
  SELECT array_agg(i), array_agg(e), array_agg(a), array_agg(d::text), array_agg(t) INTO v_ids, v_events, v_actors, v_data, v_things
    FROM json_to_recordset(p_lines) AS line(i text, e text, a text, d json, t text);
  SELECT seq, hash INTO v_seq, v_hash FROM ledger_heads WHERE tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the tenant has no ledger head';
  END IF;
  v_first := v_seq;
  FOR n IN 1 .. cardinality(v_ids) LOOP
    v_seq := v_seq + 1;
    v_previous[n] := v_hash;
    v_hash := encode(sha256(convert_to(
      '{"actor":' || to_json(v_actors[n])::text || ',"at":"' || p_at || '","data":' || v_data[n] || ',"event":"' || v_events[n]
      || '","id":"' || v_ids[n] || '","prev_hash":"' || v_hash || '","seq":' || v_seq || ',"tenant":"' || p_tenant || '"}', 'UTF8')), 'hex');
    v_hashes[n] := v_hash;
  END LOOP;
  UPDATE ledger_heads SET seq = v_seq, hash = v_hash WHERE tenant_id = p_tenant;
  INSERT INTO ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
    SELECT p_tenant, v_first + n, i, p_at::timestamptz, e, a, d::jsonb, p, h, string_to_array(t, chr(31))
      FROM unnest(v_ids, v_events, v_actors, v_data, v_previous, v_hashes, v_things) WITH ORDINALITY AS entry(i, e, a, d, p, h, t, n);
  RETURN v_seq;
END $$;--> statement-breakpoint
-- Appends entries of one tenant in a transaction and round trip of their own. p_once lists the keys that an
-- entry uses up: n(umber of the entry, from 1), k(ey), and when the key is forgotten (x). An entry is written
-- only if all its keys are fresh, and otherwise none of them is used up. Keys of one entry stand together, in
-- the order in which they are tried. For each entry, returns the key that was used already, or null if it was
-- written.
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
REVOKE ALL ON FUNCTION ledger_append(text, text, json), ledger_batch(text, text, json, json) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_append(text, text, json), ledger_batch(text, text, json, json) TO prokura_server;--> statement-breakpoint
-- Until when what the directory says about a person can be relied on. It is as old as the last read of that
-- person alone (checked_at), or as the older of two others: their line in the last list, and the last
-- complete import, which also read the memberships. The tenant's limit is added; without one, six hours. Null
-- if no directory describes the person.
CREATE FUNCTION directory_until(p_tenant text, p_provider text, p_read_at timestamptz, p_checked_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT greatest(p_checked_at, least(p_read_at, coalesce(c.last_sync_at, 'epoch')))
         + make_interval(secs => coalesce((t.settings ->> 'directorySeconds')::int, 21600))
    FROM connections c JOIN tenants t ON t.id = c.tenant_id
   WHERE c.tenant_id = p_tenant AND c.vendor = p_provider LIMIT 1
$$;--> statement-breakpoint
-- A person, with everything that a decision considers about them.
CREATE FUNCTION decision_person(p_tenant text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT jsonb_build_object(
    'id', p.id, 'managerId', p.manager_id, 'displayName', p.display_name, 'status', p.status, 'scimActive', p.scim_active, 'held', p.held,
    'delegationFrozen', p.delegation_frozen_by IS NOT NULL,
    'directoryUntil', directory_until(p_tenant, p.provider, p.read_at, p.checked_at),
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
-- A target of a call, with everything that a decision considers about it.
CREATE FUNCTION decision_target(p_tenant text, p_type text, p_id text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
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
-- Which policies decide in a tenant now. Version 0 with a null digest: those that ship. `singleAdmin`: the
-- tenant has the setting, and there is indeed no second person with the role.
CREATE FUNCTION decision_policy(p_tenant text) RETURNS jsonb LANGUAGE sql STABLE SECURITY INVOKER AS $$
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
-- Everything that a decision considers, in one snapshot: that of the statement that calls it. While the kill
-- switch holds what a person delegates, their active mandates read as frozen, even before the job that
-- freezes them has run.
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
END $$;--> statement-breakpoint
-- The same inside a transaction that has set its tenant. With p_lock it first locks the principal, the agent,
-- and the mandate with its ancestors, in this order everywhere, and then reads: it sees what was committed
-- while it waited (law 2). Mandates are locked FOR NO KEY UPDATE: a call that spends a use updates them in
-- the same transaction, and two such calls with shared locks would wait for each other.
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
-- The same without a transaction of its own: sets the tenant for its one statement, as all hot_ functions do.
CREATE FUNCTION hot_decision(p_tenant text, p_principal text, p_agent text, p_mandate text, p_key text, p_types text[], p_ids text[])
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN decision_read(p_tenant, p_principal, p_agent, p_mandate, p_key, p_types, p_ids);
END $$;--> statement-breakpoint
-- The providers that a tenant trusts now, as one text.
CREATE FUNCTION enabled_providers(p_tenant text) RETURNS text LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT coalesce(json_agg(json_build_object('kind', kind, 'issuer', issuer, 'audience', audience, 'config', config) ORDER BY issuer)::text, '[]')
    FROM identity_providers WHERE tenant_id = p_tenant AND enabled
$$;--> statement-breakpoint
CREATE FUNCTION hot_providers(p_tenant text) RETURNS text LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN enabled_providers(p_tenant);
END $$;--> statement-breakpoint
-- Mandates with everything that their tokens depend on, one JSON object each, read as one snapshot: the
-- principal, the agent, the tenant, the ancestors (`chain`, the parent first), those of p_jtis that were
-- revoked one by one (RFC 7009), the scopes whose subject tokens can be exchanged once only, the resource
-- servers, and the trusted providers. One JSON object is read faster than 36 columns. A mandate that does not
-- exist, or is another tenant's, gives no row.
CREATE FUNCTION hot_mandates(p_tenant text, p_ids text[], p_jtis text[] DEFAULT '{}') RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
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
-- People with everything that the tokens of their own clients depend on. p_uids, p_grants and p_jtis have the
-- same length; an empty grant or jti is not looked up. A person who does not exist, or is another tenant's,
-- gives no row.
CREATE FUNCTION hot_person(p_tenant text, p_provider text, p_uids text[], p_grants text[], p_jtis text[]) RETURNS TABLE (
  asked int, uid text, person_id text, display_name text, email text, person_status text, scim_active boolean, held boolean, delegation_frozen boolean, person_epoch int,
  tenant_status text, tenant_epoch int, granted boolean, denied boolean
) LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT q.n::int, p.uid, p.id, p.display_name, p.email, p.status, p.scim_active, p.held, p.delegation_frozen_by IS NOT NULL, p.epoch, t.status, t.epoch,
           EXISTS (SELECT 1 FROM oidc_models o WHERE o.tenant_id = p_tenant AND o.kind = 'Grant' AND o.id = q.grant_id
                      AND (o.expires_at IS NULL OR o.expires_at > now())),
           EXISTS (SELECT 1 FROM token_denials d WHERE d.tenant_id = p_tenant AND d.jti = q.jti)
      FROM unnest(p_uids, p_grants, p_jtis) WITH ORDINALITY AS q(uid, grant_id, jti, n)
      JOIN people p ON p.tenant_id = p_tenant AND p.provider = p_provider AND p.uid = q.uid
      JOIN tenants t ON t.id = p_tenant;
END $$;--> statement-breakpoint
-- API keys by their hashes, each with what its use depends on. One that was revoked gives no row.
CREATE FUNCTION hot_api_keys(p_tenant text, p_hashes text[]) RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object('hash', k.hash, 'id', k.id, 'name', k.name, 'scopes', k.scopes, 'source', k.source, 'resource', k.resource,
           'rest_enabled', coalesce(t.settings -> 'enabledProviders' ? 'API_KEY', true))
      FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
     WHERE k.tenant_id = p_tenant AND k.hash = ANY (p_hashes) AND k.revoked_at IS NULL;
END $$;--> statement-breakpoint
-- A SCIM user by id.
CREATE FUNCTION hot_scim_user(p_tenant text, p_id text) RETURNS SETOF people LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY SELECT * FROM people p WHERE p.tenant_id = p_tenant AND p.scim_id = p_id;
END $$;--> statement-breakpoint
-- The mandates that a check by another system may mean (POST /v1/verify): one by its id, or those of an agent
-- for a principal, newest first. The caller has told apart what it names: an id, a name or address in lower
-- case, or a provider's id. A former account does not make an address ambiguous. Only ids are found here; the
-- decision reads everything else again.
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
    SELECT coalesce(array_agg(p.id) FILTER (WHERE p.status <> 'DEPROVISIONED' AND p.missing_at IS NULL), array_agg(p.id))
      INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND (lower(p.email) = p_email OR lower(p.login) = p_email);
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
END $$;--> statement-breakpoint
-- Ends mandates and everything below them that has not ended, and voids their tokens (epoch), in one round
-- trip for trees of any size. They are locked first, in the order of their ids as everywhere. A child is
-- created under a lock on its parent: once all of them are locked and the tree is as it was, none can appear
-- below them. VOLATILE: each statement sees what was committed while the one before it waited.
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
END $$;--> statement-breakpoint
-- "One IT admin alone may change the rules" (the tenant's setting `singleAdmin`) holds only until there is a
-- second one. Then the setting falls, however the second one came about, and does not return when one of the
-- two is suspended or leaves the group. So it is checked after everything that may add an IT admin, and
-- before everything that may remove one.
CREATE FUNCTION single_admin_falls() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  UPDATE tenants t SET settings = t.settings - 'singleAdmin'
   WHERE t.settings->>'singleAdmin' = 'true'
     AND (SELECT count(DISTINCT p.id) FROM group_mappings g
            JOIN groups gr ON gr.tenant_id = g.tenant_id AND gr.source = g.source AND gr.uid = g.group_uid
            JOIN memberships ms ON ms.tenant_id = gr.tenant_id AND ms.group_id = gr.id
            JOIN people p ON p.tenant_id = ms.tenant_id AND p.id = ms.person_id AND p.status = 'ACTIVE' AND p.scim_active IS DISTINCT FROM false AND NOT p.held
           WHERE g.tenant_id = t.id AND g.role = 'it_admin') > 1;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER single_admin_before BEFORE UPDATE OF status, scim_active, held OR DELETE ON people
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER INSERT OR UPDATE OF status, scim_active, held ON people
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_before BEFORE UPDATE OR DELETE ON memberships
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER INSERT OR UPDATE ON memberships
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_before BEFORE UPDATE OR DELETE ON group_mappings
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER INSERT OR UPDATE ON group_mappings
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER UPDATE OF settings ON tenants
  -- Not again for what the function itself updates.
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
-- All sign-ins of a person end when they leave: found by the account that each row names.
CREATE INDEX oidc_models_account ON oidc_models (tenant_id, (payload->>'accountId'));
