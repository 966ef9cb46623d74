CREATE TABLE "approval_parties" (
	"tenant_id" text NOT NULL,
	"party" text NOT NULL,
	"approval_id" text NOT NULL,
	"expires_at" timestamp with time zone,
	CONSTRAINT "approval_parties_tenant_id_party_approval_id_pk" PRIMARY KEY("tenant_id","party","approval_id")
);
--> statement-breakpoint
ALTER TABLE "approval_parties" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "call_targets" (
	"tenant_id" text NOT NULL,
	"person_id" text NOT NULL,
	"call_id" text NOT NULL,
	CONSTRAINT "call_targets_tenant_id_person_id_call_id_pk" PRIMARY KEY("tenant_id","person_id","call_id")
);
--> statement-breakpoint
ALTER TABLE "call_targets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP INDEX "approvals_pending";--> statement-breakpoint
DROP INDEX "breaker_holds_state";--> statement-breakpoint
DROP INDEX "calls_mandate";--> statement-breakpoint
DROP INDEX "mandates_agent";--> statement-breakpoint
ALTER TABLE "approval_parties" ADD CONSTRAINT "approval_parties_tenant_id_approval_id_approvals_tenant_id_id_fk" FOREIGN KEY ("tenant_id","approval_id") REFERENCES "public"."approvals"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "approval_parties_approval" ON "approval_parties" USING btree ("tenant_id","approval_id");--> statement-breakpoint
CREATE INDEX "approval_parties_urgent" ON "approval_parties" USING btree ("tenant_id","party","expires_at","approval_id") WHERE "approval_parties"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX "approval_parties_pending" ON "approval_parties" USING btree ("tenant_id","party","approval_id") WHERE "approval_parties"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX "approvals_state" ON "approvals" USING btree ("tenant_id","state","id");--> statement-breakpoint
CREATE INDEX "calls_agent" ON "calls" USING btree ("tenant_id","agent_id","id");--> statement-breakpoint
CREATE INDEX "calls_state" ON "calls" USING btree ("tenant_id","state","id");--> statement-breakpoint
CREATE INDEX "calls_tool" ON "calls" USING btree ("tenant_id","tool","state","id");--> statement-breakpoint
CREATE INDEX "mandates_state" ON "mandates" USING btree ("tenant_id","state","id");--> statement-breakpoint
CREATE INDEX "approvals_pending" ON "approvals" USING btree ("tenant_id","expires_at","id") WHERE "approvals"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "breaker_holds_state" ON "breaker_holds" USING btree ("tenant_id","state","id");--> statement-breakpoint
CREATE INDEX "calls_mandate" ON "calls" USING btree ("tenant_id","mandate_id","id");--> statement-breakpoint
CREATE INDEX "mandates_agent" ON "mandates" USING btree ("tenant_id","agent_id","state","id");--> statement-breakpoint
CREATE POLICY "tenant" ON "approval_parties" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "call_targets" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));