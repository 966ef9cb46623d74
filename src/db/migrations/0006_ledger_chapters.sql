CREATE TABLE "ledger_chapters" (
	"tenant_id" text NOT NULL,
	"chapter" bigint NOT NULL,
	"earliest" timestamp with time zone NOT NULL,
	"latest" timestamp with time zone NOT NULL,
	CONSTRAINT "ledger_chapters_tenant_id_chapter_pk" PRIMARY KEY("tenant_id","chapter")
);
--> statement-breakpoint
ALTER TABLE "ledger_chapters" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger_mentions" (
	"tenant_id" text NOT NULL,
	"thing" text NOT NULL,
	"chapter" bigint NOT NULL,
	"seqs" bigint[] NOT NULL,
	CONSTRAINT "ledger_mentions_tenant_id_thing_chapter_pk" PRIMARY KEY("tenant_id","thing","chapter")
);
--> statement-breakpoint
ALTER TABLE "ledger_mentions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP INDEX "ledger_things";--> statement-breakpoint
DROP INDEX "ledger_at";--> statement-breakpoint
DROP INDEX "ledger_event";--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_chapters" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_mentions" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));