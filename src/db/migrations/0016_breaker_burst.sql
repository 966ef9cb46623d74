-- Each hold that there is was told of by itself.
ALTER TABLE "breaker_holds" ADD COLUMN "burst" text;--> statement-breakpoint
UPDATE "breaker_holds" SET "burst" = "id";--> statement-breakpoint
ALTER TABLE "breaker_holds" ALTER COLUMN "burst" SET NOT NULL;--> statement-breakpoint
CREATE INDEX "breaker_holds_burst" ON "breaker_holds" USING btree ("tenant_id","burst");
