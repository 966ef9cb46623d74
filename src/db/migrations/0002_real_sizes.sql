-- A text without regard to case, to be compared by equality: one letter for one letter as Unicode folds them,
-- in every language and in the same way in every database, whatever its locale. For columns that are
-- generated from others, and for what they are compared with.
CREATE FUNCTION folded(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN casefold(p_text COLLATE "pg_c_utf8") COLLATE "default";--> statement-breakpoint
-- What somebody types into a search, as it is compared with the words of `person_words`: folded, with one
-- blank between words, and no longer than they are.
CREATE FUNCTION search_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN left(btrim(regexp_replace(folded(p_text) COLLATE "pg_c_utf8", '\s+', ' ', 'g')), 100) COLLATE "default";--> statement-breakpoint
-- What a person can be found by as somebody types: their login, their email, and their name from each of its
-- words on, so that "maria ber" finds Anna Maria Berg. Of a name with more than 20 words the first 20 count. Not
-- STRICT: PostgreSQL would then not make it a part of the statement that uses it, which is five times faster.
CREATE FUNCTION words_of_person(p_name text, p_login text, p_email text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT DISTINCT word FROM (
    SELECT search_text(array_to_string(words[n:], ' ')) FROM (SELECT string_to_array(btrim(regexp_replace(p_name COLLATE "pg_c_utf8", '\s+', ' ', 'g')), ' ')) AS name(words),
           generate_series(1, least(cardinality(words), 20)) AS n
    UNION ALL VALUES (search_text(p_login)), (search_text(p_email))
  ) AS found(word) WHERE word <> ''
$$;--> statement-breakpoint
-- Keep the words of people: of all that a statement inserts at once, and of each whose name, address or
-- departure a statement changes.
CREATE FUNCTION add_person_words() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO person_words (tenant_id, person_id, word)
    SELECT p.tenant_id, p.id, word FROM added p CROSS JOIN LATERAL words_of_person(p.display_name, p.login, p.email) AS word
     WHERE p.status <> 'DEPROVISIONED';
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION change_person_words() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  DELETE FROM person_words WHERE tenant_id = OLD.tenant_id AND person_id = OLD.id;
  INSERT INTO person_words (tenant_id, person_id, word)
    SELECT NEW.tenant_id, NEW.id, word FROM words_of_person(NEW.display_name, NEW.login, NEW.email) AS word
     WHERE NEW.status <> 'DEPROVISIONED';
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER person_words_added AFTER INSERT ON people REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION add_person_words();--> statement-breakpoint
CREATE TRIGGER person_words_changed AFTER UPDATE OF display_name, login, email, status ON people FOR EACH ROW
  WHEN ((OLD.display_name, OLD.login, OLD.email, OLD.status = 'DEPROVISIONED')
        IS DISTINCT FROM (NEW.display_name, NEW.login, NEW.email, NEW.status = 'DEPROVISIONED'))
  EXECUTE FUNCTION change_person_words();--> statement-breakpoint
-- The mandates that a check by another system may mean (POST /v1/verify): one by its id, or those of an agent
-- for a principal, newest first. The caller has told apart what it names: an id, a name or an address, or a
-- provider's id. A former account does not make an address ambiguous. Only ids are found here; the decision
-- reads everything else again. Each look-up is a statement of its own, because an index serves no OR of an id
-- and a name.
CREATE OR REPLACE FUNCTION hot_candidates(p_tenant text, p_agent_id text, p_agent_name text, p_person_id text, p_email text, p_uid text, p_mandate text, p_limit int)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
  v_agent text;
  v_people text[];
  v_found text[];
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  IF p_agent_id IS NOT NULL THEN
    SELECT a.id INTO v_agent FROM agents a WHERE a.tenant_id = p_tenant AND a.id = p_agent_id;
  ELSIF p_agent_name IS NOT NULL THEN
    SELECT a.id INTO v_agent FROM agents a WHERE a.tenant_id = p_tenant AND a.name_folded = folded(p_agent_name);
  END IF;
  IF p_person_id IS NOT NULL THEN
    SELECT array_agg(p.id) INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND p.id = p_person_id;
  ELSIF p_email IS NOT NULL THEN
    SELECT coalesce(array_agg(p.id) FILTER (WHERE p.status <> 'DEPROVISIONED' AND p.missing_at IS NULL), array_agg(p.id))
      INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND (p.email_folded = folded(p_email) OR p.login_folded = folded(p_email));
  ELSIF p_uid IS NOT NULL THEN
    SELECT array_agg(p.id) INTO v_people FROM people p WHERE p.tenant_id = p_tenant AND p.uid = p_uid;
  END IF;
  IF p_mandate IS NOT NULL THEN
    v_found := ARRAY[p_mandate];
  ELSE
    v_found := ARRAY(SELECT m.id FROM mandates m WHERE m.tenant_id = p_tenant AND m.agent_id = v_agent AND m.principal_id = v_people[1] ORDER BY m.id DESC LIMIT p_limit);
  END IF;
  RETURN jsonb_build_object('agentId', v_agent, 'people', coalesce(to_jsonb(v_people), '[]'), 'mandates', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'agentId', m.agent_id, 'principalId', m.principal_id, 'scopes', m.scopes, 'state', m.state) ORDER BY m.id DESC), '[]')
      FROM mandates m WHERE m.tenant_id = p_tenant AND m.id = ANY (v_found)));
END $$;--> statement-breakpoint
-- Made by hand before its column was there.
DROP INDEX oidc_models_account;--> statement-breakpoint
-- Planned once for each connection. PostgreSQL would plan them again at each call, because a plan that does not
-- know how many ids are asked for looks dearer to it; planning takes three times as long as the reading.
ALTER FUNCTION hot_mandates(text, text[], text[]) SET plan_cache_mode = force_generic_plan;--> statement-breakpoint
ALTER FUNCTION hot_person(text, text, text[], text[], text[]) SET plan_cache_mode = force_generic_plan;--> statement-breakpoint
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
  SELECT p."tenant_id", p."id", w FROM "people" p, words_of_person(p."display_name", p."login", p."email") AS w WHERE p."status" <> 'DEPROVISIONED';--> statement-breakpoint
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
CREATE POLICY "tenant" ON "call_targets" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
-- Whom approvals and calls may concern, for the lists (`approvalParties`, `callTargets`). Triggers keep the
-- rows, so they are there in the transaction that asks, decides or votes, whichever statement that is.
--
-- The parties of a call, and, from the requirements of its approval, the rules that may ask somebody. A rule
-- stays a rule here: whom it names is found by whoever reads.
CREATE FUNCTION parties_of(p_principal text, p_agent text, p_mandate text, p_targets text[], p_requirements jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'asked_by:' || p_principal WHERE p_principal IS NOT NULL
  UNION SELECT 'agent:' || p_agent WHERE p_agent IS NOT NULL
  UNION SELECT 'mandate:' || p_mandate WHERE p_mandate IS NOT NULL
  UNION SELECT 'about:' || target FROM unnest(p_targets) AS target WHERE starts_with(target, 'usr_')
  UNION SELECT rule FROM jsonb_array_elements(p_requirements) AS r
    CROSS JOIN LATERAL unnest(ARRAY[r->>'approver', r->>'fallback']) AS kind
    CROSS JOIN LATERAL (
      SELECT 'manager:' || p_principal AS rule WHERE kind = 'manager'
      UNION ALL SELECT 'manager:' || target FROM unnest(p_targets) AS target WHERE kind = 'manager_of_target' AND starts_with(target, 'usr_')
      UNION ALL SELECT 'owner:' || target FROM unnest(p_targets) AS target WHERE kind = 'owner' AND starts_with(target, 'agt_')
      UNION ALL SELECT kind WHERE kind ~ '^(role|group|anyone|person):'
    ) AS asked WHERE rule IS NOT NULL
$$;--> statement-breakpoint
CREATE FUNCTION approval_asked() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO approval_parties (tenant_id, party, approval_id, expires_at)
    SELECT a.tenant_id, party, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
      FROM fresh a JOIN calls c ON c.tenant_id = a.tenant_id AND c.id = a.call_id
     CROSS JOIN LATERAL parties_of(c.principal_id, c.agent_id, c.mandate_id, c.targets, CASE WHEN a.state = 'pending' THEN a.requirements ELSE '[]' END) AS party;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER approval_asked AFTER INSERT ON approvals REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION approval_asked();--> statement-breakpoint
-- A decided approval asks nobody any more. It stays with those whom it concerned.
CREATE FUNCTION approval_decided() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  DELETE FROM approval_parties p USING fresh a
   WHERE a.state <> 'pending' AND p.tenant_id = a.tenant_id AND p.approval_id = a.id AND p.expires_at IS NOT NULL
     AND p.party ~ '^(role|group|anyone|person|manager|owner):';
  UPDATE approval_parties p SET expires_at = NULL FROM fresh a
   WHERE a.state <> 'pending' AND p.tenant_id = a.tenant_id AND p.approval_id = a.id AND p.expires_at IS NOT NULL;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER approval_decided AFTER UPDATE ON approvals REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION approval_decided();--> statement-breakpoint
CREATE FUNCTION approval_voted() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO approval_parties (tenant_id, party, approval_id, expires_at)
    SELECT v.tenant_id, 'voter:' || v.voter_id, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
      FROM fresh v JOIN approvals a ON a.tenant_id = v.tenant_id AND a.id = v.approval_id;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER approval_voted AFTER INSERT ON votes REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION approval_voted();--> statement-breakpoint
CREATE FUNCTION call_about() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO call_targets (tenant_id, person_id, call_id)
    SELECT DISTINCT c.tenant_id, target, c.id FROM fresh c CROSS JOIN LATERAL unnest(c.targets) AS target WHERE starts_with(target, 'usr_');
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER call_about AFTER INSERT ON calls REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION call_about();--> statement-breakpoint
-- What a call is about is said once.
REVOKE UPDATE, DELETE, TRUNCATE ON call_targets FROM prokura_server;--> statement-breakpoint
-- The same for what is there already.
INSERT INTO approval_parties (tenant_id, party, approval_id, expires_at)
  SELECT a.tenant_id, party, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
    FROM approvals a JOIN calls c ON c.tenant_id = a.tenant_id AND c.id = a.call_id
   CROSS JOIN LATERAL parties_of(c.principal_id, c.agent_id, c.mandate_id, c.targets, CASE WHEN a.state = 'pending' THEN a.requirements ELSE '[]' END) AS party
  UNION SELECT v.tenant_id, 'voter:' || v.voter_id, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
    FROM votes v JOIN approvals a ON a.tenant_id = v.tenant_id AND a.id = v.approval_id;--> statement-breakpoint
INSERT INTO call_targets (tenant_id, person_id, call_id)
  SELECT DISTINCT c.tenant_id, target, c.id FROM calls c CROSS JOIN LATERAL unnest(c.targets) AS target WHERE starts_with(target, 'usr_');--> statement-breakpoint
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
CREATE POLICY "tenant" ON "ledger_mentions" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
-- The server can add chapters of the ledger and their index, but never change or remove what is there.
REVOKE UPDATE, DELETE, TRUNCATE ON ledger_chapters, ledger_mentions FROM prokura_server;--> statement-breakpoint
-- How a search term stands in the index. A text without a bound would not fit into an index of PostgreSQL, and
-- nothing could be appended any more. What is found is compared with the whole term again.
CREATE FUNCTION ledger_term(p_thing text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT left(p_thing, 200) $$;--> statement-breakpoint
-- Adds complete chapters that are missing, at most p_most of them, and their mentions. Chapters have no gaps,
-- so what follows the last one has no index yet and is read entry by entry: that is right, and takes longer.
-- Locks the chain's head, which the caller holds already when it appends. Returns the number of the last
-- chapter.
CREATE FUNCTION ledger_index(p_tenant text, p_most bigint) RETURNS bigint LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_last bigint;
  v_next bigint;
BEGIN
  SELECT seq / 256 INTO v_next FROM ledger_heads WHERE tenant_id = p_tenant FOR UPDATE;
  SELECT coalesce(max(chapter), 0) INTO v_last FROM ledger_chapters WHERE tenant_id = p_tenant;
  v_next := least(v_next, v_last + p_most);
  INSERT INTO ledger_chapters (tenant_id, chapter, earliest, latest)
    SELECT p_tenant, (seq + 255) / 256 AS n, min(at), max(at)
      FROM ledger WHERE tenant_id = p_tenant AND seq > v_last * 256 AND seq <= v_next * 256 GROUP BY n;
  INSERT INTO ledger_mentions (tenant_id, thing, chapter, seqs)
    SELECT p_tenant, term, (seq + 255) / 256 AS n, array_agg(seq ORDER BY seq)
      FROM ledger, LATERAL (SELECT DISTINCT ledger_term(thing) AS term FROM unnest(things || ('is ' || event)) AS t(thing)) AS terms
     WHERE tenant_id = p_tenant AND seq > v_last * 256 AND seq <= v_next * 256
     GROUP BY term, n ORDER BY term, n;
  RETURN greatest(v_last, v_next);
END $$;--> statement-breakpoint
-- As before; and once a chapter is complete, adds it. If others before it are missing, adds some of them too.
CREATE OR REPLACE FUNCTION ledger_append(p_tenant text, p_at text, p_lines json) RETURNS bigint LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_ids text[];
  v_events text[];
  v_actors text[];
  v_data text[];
  v_things text[];
  v_seq bigint;
  v_first bigint;
  v_hash text;
  v_hashes text[] := '{}';
  v_previous text[] := '{}';
BEGIN
  -- Taken apart before the head is locked.
  SELECT array_agg(i), array_agg(e), array_agg(a), array_agg(d::text), array_agg(t) INTO v_ids, v_events, v_actors, v_data, v_things
    FROM json_to_recordset(p_lines) AS line(i text, e text, a text, d json, t text);
  SELECT seq, hash INTO v_seq, v_hash FROM ledger_heads WHERE tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the tenant has no ledger head';
  END IF;
  v_first := v_seq;
  FOR n IN 1 .. cardinality(v_ids) LOOP
    v_seq := v_seq + 1;
    v_previous[n] := v_hash;
    v_hash := encode(sha256(convert_to(
      '{"actor":' || to_json(v_actors[n])::text || ',"at":"' || p_at || '","data":' || v_data[n] || ',"event":"' || v_events[n]
      || '","id":"' || v_ids[n] || '","prev_hash":"' || v_hash || '","seq":' || v_seq || ',"tenant":"' || p_tenant || '"}', 'UTF8')), 'hex');
    v_hashes[n] := v_hash;
  END LOOP;
  UPDATE ledger_heads SET seq = v_seq, hash = v_hash WHERE tenant_id = p_tenant;
  INSERT INTO ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
    SELECT p_tenant, v_first + n, i, p_at::timestamptz, e, a, d::jsonb, p, h, string_to_array(t, chr(31))
      FROM unnest(v_ids, v_events, v_actors, v_data, v_previous, v_hashes, v_things) WITH ORDINALITY AS entry(i, e, a, d, p, h, t, n);
  IF v_seq / 256 > v_first / 256 THEN
    PERFORM ledger_index(p_tenant, v_seq / 256 - v_first / 256 + 16);
  END IF;
  RETURN v_seq;
END $$;--> statement-breakpoint
-- The numbers of entries that name all of p_things and are one of p_events (null: any), from p_from on and
-- before p_to, in order and at most p_limit. It goes through the chapters of these times in which every term
-- occurs, and reads only the entries there that have the first term: it should be the rarest.
-- With p_subject, the member of that name in an entry's data must be the first of p_things.
CREATE FUNCTION ledger_find(
  p_tenant text, p_things text[], p_events text[], p_from timestamptz, p_to timestamptz, p_after bigint, p_before bigint, p_newest boolean, p_limit int, p_subject text
) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
DECLARE
  v_before bigint := coalesce(p_before, 9223372036854775807);
  v_indexed bigint := coalesce((SELECT max(chapter) * 256 FROM ledger_chapters WHERE tenant_id = p_tenant), 0);
  v_kinds text[] := (SELECT array_agg('is ' || e) FROM unnest(p_events) AS e);
  v_terms text[] := (SELECT array_agg(ledger_term(t) ORDER BY n) FROM unnest(p_things) WITH ORDINALITY AS x(t, n));
  v_lead text[] := coalesce(v_terms[1:1], v_kinds);
  v_others text[] := v_terms[2:];
  v_left int := p_limit;
  v_found int;
  v_chapter bigint;
  v_seqs bigint[];
BEGIN
  -- Two parts: the chapters, and what follows them; newest first, the other way round.
  FOR v_part IN 1 .. 2 LOOP
    IF (v_part = 1) <> p_newest THEN
      CONTINUE WHEN p_after >= v_indexed;
      -- Composed, so that the order is one that the index has, and no more chapters are read than are needed.
      FOR v_chapter IN EXECUTE format($q$
        SELECT DISTINCT m.chapter FROM %s m
         WHERE m.tenant_id = $1 AND %s AND m.chapter > $3 / 256 AND m.chapter <= (least($4 - 1, $7) + 255) / 256
           AND NOT EXISTS (SELECT FROM unnest($5) AS o(thing) WHERE NOT EXISTS (
                 SELECT FROM ledger_mentions i WHERE i.tenant_id = $1 AND i.thing = o.thing AND i.chapter = m.chapter))
           AND ($6 IS NULL OR EXISTS (
                 SELECT FROM ledger_mentions i WHERE i.tenant_id = $1 AND i.thing = ANY ($6) AND i.chapter = m.chapter))
           AND (coalesce($8, $9) IS NULL OR EXISTS (
                 SELECT FROM ledger_chapters c WHERE c.tenant_id = $1 AND c.chapter = m.chapter
                    AND ($8 IS NULL OR c.latest >= $8) AND ($9 IS NULL OR c.earliest < $9)))
         ORDER BY m.chapter %s$q$,
        CASE WHEN v_lead IS NULL THEN 'ledger_chapters' ELSE 'ledger_mentions' END,
        CASE WHEN v_lead IS NULL THEN '$2 IS NULL' WHEN cardinality(v_lead) = 1 THEN 'm.thing = ($2)[1]' ELSE 'm.thing = ANY ($2)' END,
        CASE WHEN p_newest THEN 'DESC' ELSE 'ASC' END)
        USING p_tenant, v_lead, p_after, v_before, v_others, v_kinds, v_indexed, p_from, p_to
      LOOP
        -- Which numbers to read: those of the first term, or all of the chapter.
        v_seqs := CASE WHEN v_lead IS NULL THEN ARRAY(SELECT generate_series((v_chapter - 1) * 256 + 1, v_chapter * 256)) ELSE ARRAY(
          SELECT unnest(m.seqs) FROM ledger_mentions m WHERE m.tenant_id = p_tenant AND m.thing = ANY (v_lead) AND m.chapter = v_chapter) END;
        RETURN QUERY SELECT l.seq FROM ledger l
          WHERE l.tenant_id = p_tenant AND l.seq = ANY (v_seqs) AND l.seq > p_after AND l.seq < v_before
            AND l.things @> p_things AND (p_events IS NULL OR l.event = ANY (p_events))
            AND (p_from IS NULL OR l.at >= p_from) AND (p_to IS NULL OR l.at < p_to)
            AND (p_subject IS NULL OR l.data ->> p_subject = p_things[1])
          ORDER BY CASE WHEN p_newest THEN -l.seq ELSE l.seq END LIMIT v_left;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_left := v_left - v_found;
        EXIT WHEN v_left <= 0;
      END LOOP;
    ELSIF v_before - 1 > v_indexed THEN
      RETURN QUERY SELECT l.seq FROM ledger l
        WHERE l.tenant_id = p_tenant AND l.seq > greatest(p_after, v_indexed) AND l.seq < v_before
          AND l.things @> p_things AND (p_events IS NULL OR l.event = ANY (p_events))
          AND (p_from IS NULL OR l.at >= p_from) AND (p_to IS NULL OR l.at < p_to)
          AND (p_subject IS NULL OR l.data ->> p_subject = p_things[1])
        ORDER BY CASE WHEN p_newest THEN -l.seq ELSE l.seq END LIMIT v_left;
      GET DIAGNOSTICS v_found = ROW_COUNT;
      v_left := v_left - v_found;
    END IF;
    EXIT WHEN v_left <= 0;
  END LOOP;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_term(text), ledger_index(text, bigint),
  ledger_find(text, text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int, text) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_term(text), ledger_index(text, bigint),
  ledger_find(text, text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int, text) TO prokura_server;--> statement-breakpoint
DROP FUNCTION ledger_about(text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int);--> statement-breakpoint
-- The entries that are there already.
SELECT ledger_index(tenant_id, 9000000000000000) FROM ledger_heads;--> statement-breakpoint
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
CREATE POLICY "tenant" ON "slack_summary_items" AS PERMISSIVE FOR ALL TO public USING (tenant_id = current_setting('app.tenant_id', true)) WITH CHECK (tenant_id = current_setting('app.tenant_id', true));--> statement-breakpoint
-- Cancels what another connection of the server runs now, for a reader who has gone away. It needs the owner's
-- rights, since the server's role may not signal the login that it works under. It takes one transaction, by
-- its process and the moment at which it began: what the connection does later cannot be cancelled by mistake.
-- Whether there was one.
CREATE FUNCTION stop_statement(p_pid int, p_begun timestamptz) RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity a
                    WHERE a.pid = p_pid AND a.xact_start = p_begun AND a.datname = current_database()
                      AND a.application_name = 'prokura'), false)
$$;--> statement-breakpoint
REVOKE ALL ON FUNCTION stop_statement(int, timestamptz) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION stop_statement(int, timestamptz) TO prokura_server;
