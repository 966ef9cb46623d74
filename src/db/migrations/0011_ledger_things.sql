ALTER TABLE "ledger" ADD COLUMN "things" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX "ledger_things" ON "ledger" USING gin ("things");--> statement-breakpoint
CREATE INDEX "ledger_at" ON "ledger" USING brin ("at");