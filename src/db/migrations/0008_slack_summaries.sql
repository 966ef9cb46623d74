CREATE TABLE "slack_summaries" (
	"tenant_id" text NOT NULL,
	"id" text NOT NULL,
	"person_id" text NOT NULL,
	"change" text NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "slack_summaries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "slack_summaries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "slack_summary_items" (
	"tenant_id" text NOT NULL,
	"person_id" text NOT NULL,
	"thing" text NOT NULL,
	"audience" text NOT NULL,
	"summary_id" text NOT NULL,
	CONSTRAINT "slack_summary_items_tenant_id_thing_person_id_audience_pk" PRIMARY KEY("tenant_id","thing","person_id","audience")
);
--> statement-breakpoint
ALTER TABLE "slack_summary_items" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE INDEX "slack_summaries_person" ON "slack_summaries" USING btree ("tenant_id","person_id","change","updated_at");--> statement-breakpoint
CREATE INDEX "slack_summary_items_summary" ON "slack_summary_items" USING btree ("tenant_id","summary_id","thing");--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_summaries" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_summary_items" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));