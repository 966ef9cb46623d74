DROP INDEX "mandates_principal";--> statement-breakpoint
DROP INDEX "mandates_agent";--> statement-breakpoint
DROP INDEX "mandates_parent";--> statement-breakpoint
CREATE INDEX "calls_waiting" ON "calls" USING btree ("tenant_id","id") WHERE "calls"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "mandates_principal" ON "mandates" USING btree ("tenant_id","principal_id","id");--> statement-breakpoint
CREATE INDEX "mandates_agent" ON "mandates" USING btree ("tenant_id","agent_id","id");--> statement-breakpoint
CREATE INDEX "mandates_parent" ON "mandates" USING btree ("tenant_id","parent_id","id");