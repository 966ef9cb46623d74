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
CREATE UNIQUE INDEX "job_alarms_open" ON "job_alarms" USING btree ("tenant_id","queue","subject") WHERE "job_alarms"."over_at" is null;--> statement-breakpoint
CREATE POLICY "tenant" ON "job_alarms" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));