CREATE TABLE "breaker_counts" (
	"tenant_id" text NOT NULL,
	"source" text NOT NULL,
	"person_id" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "breaker_counts_tenant_id_source_person_id_at_pk" PRIMARY KEY("tenant_id","source","person_id","at")
);
--> statement-breakpoint
ALTER TABLE "breaker_counts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "breaker_holds" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"source" text NOT NULL,
	"person_id" text NOT NULL,
	"reason" text NOT NULL,
	"state" text DEFAULT 'held' NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp with time zone,
	CONSTRAINT "breaker_holds_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "breaker_holds" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger_checkpoints" (
	"tenant_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"hash" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"jws" text NOT NULL,
	CONSTRAINT "ledger_checkpoints_tenant_id_seq_pk" PRIMARY KEY("tenant_id","seq")
);
--> statement-breakpoint
ALTER TABLE "ledger_checkpoints" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "mandate_templates" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"terms" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mandate_templates_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "mandate_templates" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "policy_versions" (
	"tenant_id" text NOT NULL,
	"version" integer NOT NULL,
	"text" text NOT NULL,
	"note" text NOT NULL,
	"call_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "policy_versions_tenant_id_version_pk" PRIMARY KEY("tenant_id","version")
);
--> statement-breakpoint
ALTER TABLE "policy_versions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "scopes" (
	"tenant_id" text NOT NULL,
	"scope" text NOT NULL,
	"description" text NOT NULL,
	"sensitivity" text DEFAULT 'normal' NOT NULL,
	"holders" text[] NOT NULL,
	"amount_threshold" numeric(20, 4),
	"currency" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scopes_tenant_id_scope_pk" PRIMARY KEY("tenant_id","scope")
);
--> statement-breakpoint
ALTER TABLE "scopes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "oidc_models" (
	"tenant_id" text NOT NULL,
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"payload" jsonb NOT NULL,
	"grant_id" text,
	"uid" text,
	"user_code" text,
	"expires_at" timestamp with time zone,
	"consumed_at" timestamp with time zone,
	CONSTRAINT "oidc_models_tenant_id_kind_id_pk" PRIMARY KEY("tenant_id","kind","id")
);
--> statement-breakpoint
ALTER TABLE "oidc_models" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "token_denials" (
	"tenant_id" text NOT NULL,
	"jti" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "token_denials_tenant_id_jti_pk" PRIMARY KEY("tenant_id","jti")
);
--> statement-breakpoint
ALTER TABLE "token_denials" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "slack_accounts" (
	"tenant_id" text NOT NULL,
	"slack_user" text NOT NULL,
	"person_id" text NOT NULL,
	"first_email" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "slack_accounts_tenant_id_slack_user_pk" PRIMARY KEY("tenant_id","slack_user")
);
--> statement-breakpoint
ALTER TABLE "slack_accounts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "jwks_url" text;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "secret_hash" text;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "spiffe_id" text;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "offered_to" text;--> statement-breakpoint
ALTER TABLE "approvals" ADD COLUMN "reminded_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "approvals" ADD COLUMN "escalated_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "suggestion" jsonb;--> statement-breakpoint
ALTER TABLE "mandates" ADD COLUMN "amount" numeric(20, 4);--> statement-breakpoint
ALTER TABLE "mandates" ADD COLUMN "currency" text;--> statement-breakpoint
ALTER TABLE "mandates" ADD COLUMN "window" jsonb;--> statement-breakpoint
ALTER TABLE "mandates" ADD COLUMN "status_index" integer;--> statement-breakpoint
ALTER TABLE "identity_providers" ADD COLUMN "enabled" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "identity_providers" ADD COLUMN "config" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "signing_keys" ADD COLUMN "active_from" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "breaker_counts_at" ON "breaker_counts" USING btree ("tenant_id","source","at");--> statement-breakpoint
CREATE INDEX "breaker_holds_state" ON "breaker_holds" USING btree ("tenant_id","state");--> statement-breakpoint
CREATE UNIQUE INDEX "mandate_templates_name" ON "mandate_templates" USING btree ("tenant_id",lower("name"));--> statement-breakpoint
CREATE INDEX "oidc_models_grant" ON "oidc_models" USING btree ("tenant_id","grant_id");--> statement-breakpoint
CREATE INDEX "oidc_models_uid" ON "oidc_models" USING btree ("tenant_id","kind","uid");--> statement-breakpoint
CREATE INDEX "oidc_models_expiry" ON "oidc_models" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "mandates_status_index" ON "mandates" USING btree ("tenant_id","status_index");--> statement-breakpoint
CREATE POLICY "tenant" ON "breaker_counts" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "breaker_holds" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_checkpoints" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "mandate_templates" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "policy_versions" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "scopes" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "oidc_models" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "token_denials" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_accounts" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));