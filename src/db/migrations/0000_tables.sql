CREATE TABLE "agent_keys" (
	"tenant_id" text NOT NULL,
	"agent_id" text NOT NULL,
	"kid" text NOT NULL,
	"alg" text NOT NULL,
	"public_jwk" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "agent_keys_tenant_id_agent_id_kid_pk" PRIMARY KEY("tenant_id","agent_id","kid")
);
--> statement-breakpoint
ALTER TABLE "agent_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "agents" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"owner_id" text NOT NULL,
	"ceiling" text[] NOT NULL,
	"jwks_url" text,
	"secret_hash" text,
	"spiffe_id" text,
	"offered_to" text,
	"status" text DEFAULT 'active' NOT NULL,
	"causes" text[] DEFAULT '{}' NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agents_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "agents" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "job_alarms" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"queue" text NOT NULL,
	"subject" text NOT NULL,
	"reason" text NOT NULL,
	"raised_at" timestamp with time zone DEFAULT now() NOT NULL,
	"over_at" timestamp with time zone,
	CONSTRAINT "job_alarms_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "job_alarms" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "approvals" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"call_id" text NOT NULL,
	"digest" text NOT NULL,
	"requirements" jsonb NOT NULL,
	"impact" jsonb NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"reminded_at" timestamp with time zone,
	"escalated_at" timestamp with time zone,
	"decided_at" timestamp with time zone,
	CONSTRAINT "approvals_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "approvals" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "votes" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"approval_id" text NOT NULL,
	"voter_id" text NOT NULL,
	"vote" text NOT NULL,
	"note" text,
	"suggestion" jsonb,
	"identity" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "votes_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "votes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "break_glass_people" (
	"tenant_id" text NOT NULL,
	"person_id" text NOT NULL,
	"named_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "break_glass_people_tenant_id_person_id_pk" PRIMARY KEY("tenant_id","person_id")
);
--> statement-breakpoint
ALTER TABLE "break_glass_people" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "break_glass_uses" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"person_id" text NOT NULL,
	"approval_id" text NOT NULL,
	"why" text NOT NULL,
	"identity" jsonb NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"reviewed_by" text,
	"reviewed_at" timestamp with time zone,
	"review" text,
	CONSTRAINT "break_glass_uses_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "break_glass_uses" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
	"burst" text NOT NULL,
	"state" text DEFAULT 'held' NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp with time zone,
	CONSTRAINT "breaker_holds_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "breaker_holds" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "calls" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"tool" text NOT NULL,
	"summary" text NOT NULL,
	"actor" jsonb NOT NULL,
	"principal_id" text,
	"agent_id" text,
	"mandate_id" text,
	"targets" text[] NOT NULL,
	"input" jsonb NOT NULL,
	"input_digest" text NOT NULL,
	"reason" text,
	"state" text NOT NULL,
	"decision" jsonb,
	"before" jsonb,
	"result" jsonb,
	"error" jsonb,
	"attempt" integer DEFAULT 0 NOT NULL,
	"unanswered" boolean DEFAULT false NOT NULL,
	"approval_id" text,
	"successor_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "calls_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "calls" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "repeats" (
	"tenant_id" text NOT NULL,
	"key" text NOT NULL,
	"request" text NOT NULL,
	"call_id" text,
	"answer" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "repeats_tenant_id_key_pk" PRIMARY KEY("tenant_id","key")
);
--> statement-breakpoint
ALTER TABLE "repeats" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "group_mappings" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"source" text NOT NULL,
	"group_uid" text NOT NULL,
	"role" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "group_mappings_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "group_mappings" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "groups" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"source" text NOT NULL,
	"uid" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"removals" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "groups_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "groups" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "memberships" (
	"tenant_id" text NOT NULL,
	"group_id" text NOT NULL,
	"person_id" text NOT NULL,
	CONSTRAINT "memberships_tenant_id_group_id_person_id_pk" PRIMARY KEY("tenant_id","group_id","person_id")
);
--> statement-breakpoint
ALTER TABLE "memberships" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger" (
	"tenant_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"event" text NOT NULL,
	"actor" text NOT NULL,
	"data" jsonb NOT NULL,
	"prev_hash" text NOT NULL,
	"hash" text NOT NULL,
	"things" text[] DEFAULT '{}' NOT NULL,
	CONSTRAINT "ledger_tenant_id_seq_pk" PRIMARY KEY("tenant_id","seq")
);
--> statement-breakpoint
ALTER TABLE "ledger" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
CREATE TABLE "ledger_heads" (
	"tenant_id" text PRIMARY KEY NOT NULL,
	"seq" bigint NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "ledger_heads" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "mandate_freezes" (
	"tenant_id" text NOT NULL,
	"mandate_id" text NOT NULL,
	"cause" text NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mandate_freezes_tenant_id_mandate_id_cause_pk" PRIMARY KEY("tenant_id","mandate_id","cause")
);
--> statement-breakpoint
ALTER TABLE "mandate_freezes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
CREATE TABLE "mandates" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"principal_id" text NOT NULL,
	"agent_id" text NOT NULL,
	"scopes" text[] NOT NULL,
	"resources" text[] NOT NULL,
	"tools" text[],
	"amount" numeric(20, 4),
	"currency" text,
	"window" jsonb,
	"status_index" integer,
	"max_uses" integer,
	"uses" integer DEFAULT 0 NOT NULL,
	"purpose" text NOT NULL,
	"offline" boolean DEFAULT false NOT NULL,
	"parent_id" text,
	"depth" integer DEFAULT 0 NOT NULL,
	"state" text DEFAULT 'active' NOT NULL,
	"reason" text,
	"epoch" integer DEFAULT 0 NOT NULL,
	"call_id" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "mandates_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "mandates_uses" CHECK ("mandates"."max_uses" is null or "mandates"."uses" <= "mandates"."max_uses")
);
--> statement-breakpoint
ALTER TABLE "mandates" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "people" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"provider" text NOT NULL,
	"uid" text NOT NULL,
	"login" text NOT NULL,
	"email" text NOT NULL,
	"display_name" text NOT NULL,
	"first_name" text DEFAULT '' NOT NULL,
	"last_name" text DEFAULT '' NOT NULL,
	"employee_number" text,
	"title" text,
	"department" text,
	"manager_ref" text,
	"manager_id" text,
	"status" text NOT NULL,
	"scim_active" boolean,
	"scim_id" text,
	"scim_doc" jsonb,
	"held" boolean DEFAULT false NOT NULL,
	"delegation_frozen_by" text,
	"epoch" integer DEFAULT 0 NOT NULL,
	"tokens_not_before" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"email_changed_at" timestamp with time zone,
	"missing_at" timestamp with time zone,
	"checked_at" timestamp with time zone,
	"read_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "people_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "people" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "slack_accounts" (
	"tenant_id" text NOT NULL,
	"slack_user" text NOT NULL,
	"person_id" text NOT NULL,
	"first_email" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"contested_by" text,
	CONSTRAINT "slack_accounts_tenant_id_slack_user_pk" PRIMARY KEY("tenant_id","slack_user")
);
--> statement-breakpoint
ALTER TABLE "slack_accounts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
CREATE TABLE "resource_servers" (
	"tenant_id" text NOT NULL,
	"identifier" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "resource_servers_tenant_id_identifier_pk" PRIMARY KEY("tenant_id","identifier")
);
--> statement-breakpoint
ALTER TABLE "resource_servers" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
CREATE TABLE "api_keys" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"scopes" text[] NOT NULL,
	"source" text,
	"resource" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "connections" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"vendor" text NOT NULL,
	"org_url" text NOT NULL,
	"sealed_credential" text NOT NULL,
	"from_settings" boolean DEFAULT false NOT NULL,
	"last_sync_at" timestamp with time zone,
	"last_sync" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "connections_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "connections" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "identity_providers" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"issuer" text NOT NULL,
	"audience" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"config" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "identity_providers_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "identity_providers" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "tenants" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"frozen_by" text,
	"frozen_reason" text,
	"epoch" integer DEFAULT 0 NOT NULL,
	"slack_team_id" text,
	"settings" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tenants_slack_team_id_unique" UNIQUE("slack_team_id")
);
--> statement-breakpoint
ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
CREATE TABLE "replays" (
	"tenant_id" text NOT NULL,
	"key" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "replays_tenant_id_key_pk" PRIMARY KEY("tenant_id","key")
);
--> statement-breakpoint
ALTER TABLE "replays" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"tenant_id" text NOT NULL,
	"kid" text NOT NULL,
	"alg" text NOT NULL,
	"public_jwk" jsonb NOT NULL,
	"sealed_private_key" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"active_from" timestamp with time zone,
	"retired_at" timestamp with time zone,
	CONSTRAINT "signing_keys_tenant_id_kid_pk" PRIMARY KEY("tenant_id","kid")
);
--> statement-breakpoint
ALTER TABLE "signing_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "token_denials" (
	"tenant_id" text NOT NULL,
	"jti" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "token_denials_tenant_id_jti_pk" PRIMARY KEY("tenant_id","jti")
);
--> statement-breakpoint
ALTER TABLE "token_denials" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "verified_uses" (
	"tenant_id" text NOT NULL,
	"key" text NOT NULL,
	"request_digest" text NOT NULL,
	"answer" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "verified_uses_tenant_id_key_pk" PRIMARY KEY("tenant_id","key")
);
--> statement-breakpoint
ALTER TABLE "verified_uses" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "slack_drafts" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"slack_user" text NOT NULL,
	"data" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	CONSTRAINT "slack_drafts_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "slack_drafts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "slack_intake" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"sealed" text NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"done_at" timestamp with time zone,
	"call_id" text,
	CONSTRAINT "slack_intake_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "slack_intake" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "slack_messages" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"thing" text NOT NULL,
	"audience" text NOT NULL,
	"person_id" text,
	"channel" text NOT NULL,
	"ts" text,
	"rendered_hash" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "slack_messages_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "slack_messages" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "agent_keys" ADD CONSTRAINT "agent_keys_tenant_id_agent_id_agents_tenant_id_id_fk" FOREIGN KEY ("tenant_id","agent_id") REFERENCES "public"."agents"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_tenant_id_owner_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","owner_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_tenant_id_call_id_calls_tenant_id_id_fk" FOREIGN KEY ("tenant_id","call_id") REFERENCES "public"."calls"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "votes" ADD CONSTRAINT "votes_tenant_id_approval_id_approvals_tenant_id_id_fk" FOREIGN KEY ("tenant_id","approval_id") REFERENCES "public"."approvals"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "votes" ADD CONSTRAINT "votes_tenant_id_voter_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","voter_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "break_glass_people" ADD CONSTRAINT "break_glass_people_tenant_id_person_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","person_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "break_glass_uses" ADD CONSTRAINT "break_glass_uses_tenant_id_person_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","person_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "break_glass_uses" ADD CONSTRAINT "break_glass_uses_tenant_id_approval_id_approvals_tenant_id_id_fk" FOREIGN KEY ("tenant_id","approval_id") REFERENCES "public"."approvals"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_tenant_id_group_id_groups_tenant_id_id_fk" FOREIGN KEY ("tenant_id","group_id") REFERENCES "public"."groups"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_tenant_id_person_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","person_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mandate_freezes" ADD CONSTRAINT "mandate_freezes_tenant_id_mandate_id_mandates_tenant_id_id_fk" FOREIGN KEY ("tenant_id","mandate_id") REFERENCES "public"."mandates"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mandates" ADD CONSTRAINT "mandates_tenant_id_principal_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","principal_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mandates" ADD CONSTRAINT "mandates_tenant_id_agent_id_agents_tenant_id_id_fk" FOREIGN KEY ("tenant_id","agent_id") REFERENCES "public"."agents"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mandates" ADD CONSTRAINT "mandates_parent_fk" FOREIGN KEY ("tenant_id","parent_id") REFERENCES "public"."mandates"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "people" ADD CONSTRAINT "people_manager_fk" FOREIGN KEY ("tenant_id","manager_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "agents_name" ON "agents" USING btree ("tenant_id",lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "agents_spiffe_id" ON "agents" USING btree ("tenant_id","spiffe_id");--> statement-breakpoint
CREATE INDEX "agents_owner" ON "agents" USING btree ("tenant_id","owner_id");--> statement-breakpoint
CREATE UNIQUE INDEX "job_alarms_open" ON "job_alarms" USING btree ("tenant_id","queue","subject") WHERE "job_alarms"."over_at" is null;--> statement-breakpoint
CREATE INDEX "approvals_pending" ON "approvals" USING btree ("tenant_id","expires_at") WHERE "approvals"."state" = 'pending';--> statement-breakpoint
CREATE UNIQUE INDEX "votes_once" ON "votes" USING btree ("tenant_id","approval_id","voter_id");--> statement-breakpoint
CREATE UNIQUE INDEX "break_glass_one_open" ON "break_glass_uses" USING btree ("tenant_id") WHERE "break_glass_uses"."reviewed_at" is null;--> statement-breakpoint
CREATE INDEX "break_glass_uses_at" ON "break_glass_uses" USING btree ("tenant_id","at");--> statement-breakpoint
CREATE INDEX "breaker_counts_at" ON "breaker_counts" USING btree ("tenant_id","source","at");--> statement-breakpoint
CREATE INDEX "breaker_holds_state" ON "breaker_holds" USING btree ("tenant_id","state");--> statement-breakpoint
CREATE INDEX "breaker_holds_burst" ON "breaker_holds" USING btree ("tenant_id","burst");--> statement-breakpoint
CREATE INDEX "calls_principal" ON "calls" USING btree ("tenant_id","principal_id","id");--> statement-breakpoint
CREATE INDEX "calls_mandate" ON "calls" USING btree ("tenant_id","mandate_id");--> statement-breakpoint
CREATE UNIQUE INDEX "calls_waiting_once" ON "calls" USING btree ("tenant_id","input_digest") WHERE "calls"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "calls_waiting" ON "calls" USING btree ("tenant_id","id") WHERE "calls"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "calls_open" ON "calls" USING btree ("tenant_id","state") WHERE "calls"."state" in ('waiting', 'ready', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX "group_mappings_once" ON "group_mappings" USING btree ("tenant_id","source","group_uid","role");--> statement-breakpoint
CREATE UNIQUE INDEX "groups_source" ON "groups" USING btree ("tenant_id","source","uid");--> statement-breakpoint
CREATE INDEX "memberships_person" ON "memberships" USING btree ("tenant_id","person_id");--> statement-breakpoint
CREATE INDEX "ledger_things" ON "ledger" USING gin ("things");--> statement-breakpoint
CREATE INDEX "ledger_at" ON "ledger" USING brin ("at");--> statement-breakpoint
CREATE INDEX "ledger_event" ON "ledger" USING btree ("tenant_id","event","seq");--> statement-breakpoint
CREATE UNIQUE INDEX "mandate_templates_name" ON "mandate_templates" USING btree ("tenant_id",lower("name"));--> statement-breakpoint
CREATE INDEX "mandates_principal" ON "mandates" USING btree ("tenant_id","principal_id","id");--> statement-breakpoint
CREATE INDEX "mandates_agent" ON "mandates" USING btree ("tenant_id","agent_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "mandates_status_index" ON "mandates" USING btree ("tenant_id","status_index");--> statement-breakpoint
CREATE INDEX "mandates_parent" ON "mandates" USING btree ("tenant_id","parent_id","id");--> statement-breakpoint
CREATE INDEX "mandates_expiry" ON "mandates" USING btree ("tenant_id","expires_at") WHERE "mandates"."state" in ('active', 'frozen');--> statement-breakpoint
CREATE UNIQUE INDEX "people_subject" ON "people" USING btree ("tenant_id","provider","uid");--> statement-breakpoint
CREATE UNIQUE INDEX "people_scim" ON "people" USING btree ("tenant_id","scim_id");--> statement-breakpoint
CREATE INDEX "people_email" ON "people" USING btree ("tenant_id",lower("email"));--> statement-breakpoint
CREATE INDEX "people_login" ON "people" USING btree ("tenant_id",lower("login"));--> statement-breakpoint
CREATE INDEX "people_scim_external" ON "people" USING btree ("tenant_id",("scim_doc" ->> 'externalId'));--> statement-breakpoint
CREATE INDEX "people_manager" ON "people" USING btree ("tenant_id","manager_id");--> statement-breakpoint
CREATE UNIQUE INDEX "slack_accounts_person" ON "slack_accounts" USING btree ("tenant_id","person_id");--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_hash" ON "api_keys" USING btree ("tenant_id","hash");--> statement-breakpoint
CREATE INDEX "connections_vendor" ON "connections" USING btree ("tenant_id","vendor");--> statement-breakpoint
CREATE UNIQUE INDEX "identity_providers_issuer" ON "identity_providers" USING btree ("tenant_id","issuer");--> statement-breakpoint
CREATE INDEX "oidc_models_grant" ON "oidc_models" USING btree ("tenant_id","grant_id");--> statement-breakpoint
CREATE INDEX "oidc_models_uid" ON "oidc_models" USING btree ("tenant_id","kind","uid");--> statement-breakpoint
CREATE INDEX "oidc_models_expiry" ON "oidc_models" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "replays_expiry" ON "replays" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "slack_messages_thing" ON "slack_messages" USING btree ("tenant_id","thing");--> statement-breakpoint
CREATE POLICY "tenant" ON "agent_keys" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "agents" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "job_alarms" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "approvals" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "votes" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "break_glass_people" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "break_glass_uses" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "breaker_counts" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "breaker_holds" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "calls" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "repeats" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "group_mappings" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "groups" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "memberships" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_checkpoints" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_heads" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "mandate_freezes" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "mandate_templates" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "mandates" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "people" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_accounts" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "policy_versions" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "resource_servers" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "scopes" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "api_keys" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "connections" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "identity_providers" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "tenants" AS PERMISSIVE FOR ALL TO public USING (id = current_setting('app.tenant_id', true)) WITH CHECK (id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "oidc_models" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "replays" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "signing_keys" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "token_denials" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "verified_uses" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_drafts" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_intake" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_messages" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));