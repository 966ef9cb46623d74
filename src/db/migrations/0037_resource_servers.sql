CREATE TABLE "resource_servers" (
	"tenant_id" text NOT NULL,
	"identifier" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "resource_servers_tenant_id_identifier_pk" PRIMARY KEY("tenant_id","identifier")
);
--> statement-breakpoint
ALTER TABLE "resource_servers" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "resource" text;--> statement-breakpoint
CREATE POLICY "tenant" ON "resource_servers" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));