ALTER TABLE "connections" ADD COLUMN "from_settings" boolean DEFAULT false NOT NULL;--> statement-breakpoint
-- An installation that has one tenant set it up with its settings.
UPDATE connections SET from_settings = true WHERE (SELECT count(*) FROM tenants) = 1;--> statement-breakpoint
-- What decides is read and written at the primary alone, by a connection that row-level security binds. A pooler may drop the start-up parameter by which
-- the server takes its role: it would then work as the owner, for whom no tenant is apart from another and the ledger can be rewritten.
-- 28000 is refused as a database that cannot be reached (src/db/reach.ts).
CREATE OR REPLACE FUNCTION primary_only() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
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
-- For the work that is to be done for each tenant: its ids, and nothing of theirs.
CREATE FUNCTION every_tenant() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id FROM tenants ORDER BY id
$$;--> statement-breakpoint
REVOKE ALL ON FUNCTION every_tenant() FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION every_tenant() TO prokura_server;--> statement-breakpoint
-- Without pg_temp at the end it is searched first, for tables that whoever calls has made (PostgreSQL manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely").
DO $$ DECLARE definer regprocedure; BEGIN
  FOR definer IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', definer);
  END LOOP;
END $$;--> statement-breakpoint
-- What was voted and what was signed is never changed, by the server neither.
REVOKE UPDATE, DELETE, TRUNCATE ON votes, ledger_checkpoints FROM prokura_server;
