-- What was typed stood here in plain text; a card or form lives for half an hour.
DELETE FROM "slack_drafts";--> statement-breakpoint
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
ALTER TABLE "slack_drafts" ALTER COLUMN "data" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "slack_accounts" ADD COLUMN "contested_by" text;--> statement-breakpoint
CREATE UNIQUE INDEX "slack_accounts_person" ON "slack_accounts" USING btree ("tenant_id","person_id");--> statement-breakpoint
CREATE POLICY "tenant" ON "slack_intake" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));