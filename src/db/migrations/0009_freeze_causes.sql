ALTER TABLE "agents" ADD COLUMN "causes" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "delegation_frozen_by" text;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "frozen_by" text;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "frozen_reason" text;--> statement-breakpoint
-- Frozen and disabled agents of before keep their state as a cause.
UPDATE "agents" SET "causes" = ARRAY[CASE "status" WHEN 'disabled' THEN 'disabled' ELSE 'admin' END] WHERE "status" <> 'active';--> statement-breakpoint
-- Whether this installation is a sandbox: only there may an agent's keys be published on this machine itself.
CREATE FUNCTION installation_mode() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT mode FROM installation
$$;--> statement-breakpoint
REVOKE ALL ON FUNCTION installation_mode() FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION installation_mode() TO prokura_server;
