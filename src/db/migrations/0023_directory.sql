ALTER TABLE "groups" ADD COLUMN "removals" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "missing_at" timestamp with time zone;