CREATE TABLE "person_words" (
	"tenant_id" text NOT NULL,
	"person_id" text NOT NULL,
	"word" text NOT NULL,
	CONSTRAINT "person_words_tenant_id_person_id_word_pk" PRIMARY KEY("tenant_id","person_id","word")
);
--> statement-breakpoint
ALTER TABLE "person_words" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP INDEX "agents_name";--> statement-breakpoint
DROP INDEX "mandate_templates_name";--> statement-breakpoint
DROP INDEX "people_email";--> statement-breakpoint
DROP INDEX "people_login";--> statement-breakpoint
DROP INDEX "people_scim_external";--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "name_folded" text GENERATED ALWAYS AS (folded(name)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "groups" ADD COLUMN "name_folded" text GENERATED ALWAYS AS (folded(left(name, 200))) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "mandate_templates" ADD COLUMN "name_folded" text GENERATED ALWAYS AS (folded(name)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "login_folded" text GENERATED ALWAYS AS (folded(login)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "email_folded" text GENERATED ALWAYS AS (folded(email)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "name_folded" text GENERATED ALWAYS AS (folded(left(display_name, 200))) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "people" ADD COLUMN "external_id" text GENERATED ALWAYS AS (scim_doc ->> 'externalId') STORED;--> statement-breakpoint
ALTER TABLE "oidc_models" ADD COLUMN "account_id" text GENERATED ALWAYS AS (payload ->> 'accountId') STORED;--> statement-breakpoint
ALTER TABLE "person_words" ADD CONSTRAINT "person_words_tenant_id_person_id_people_tenant_id_id_fk" FOREIGN KEY ("tenant_id","person_id") REFERENCES "public"."people"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "person_words_word" ON "person_words" USING btree ("tenant_id","word" text_pattern_ops,"person_id");--> statement-breakpoint
CREATE INDEX "groups_name" ON "groups" USING btree ("tenant_id","name_folded");--> statement-breakpoint
CREATE INDEX "people_name" ON "people" USING btree ("tenant_id","name_folded");--> statement-breakpoint
CREATE INDEX "people_number" ON "people" USING btree ("tenant_id","employee_number");--> statement-breakpoint
CREATE INDEX "oidc_models_account" ON "oidc_models" USING btree ("tenant_id","account_id");--> statement-breakpoint
CREATE UNIQUE INDEX "agents_name" ON "agents" USING btree ("tenant_id","name_folded");--> statement-breakpoint
CREATE UNIQUE INDEX "mandate_templates_name" ON "mandate_templates" USING btree ("tenant_id","name_folded");--> statement-breakpoint
CREATE INDEX "people_email" ON "people" USING btree ("tenant_id","email_folded" text_pattern_ops);--> statement-breakpoint
CREATE INDEX "people_login" ON "people" USING btree ("tenant_id","login_folded" text_pattern_ops);--> statement-breakpoint
CREATE INDEX "people_scim_external" ON "people" USING btree ("tenant_id","external_id");--> statement-breakpoint
CREATE POLICY "tenant" ON "person_words" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
INSERT INTO "person_words" ("tenant_id", "person_id", "word")
  SELECT p."tenant_id", p."id", w FROM "people" p, words_of_person(p."display_name", p."login", p."email") AS w WHERE p."status" <> 'DEPROVISIONED';
