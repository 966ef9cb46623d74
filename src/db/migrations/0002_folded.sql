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
ALTER FUNCTION hot_person(text, text, text[], text[], text[]) SET plan_cache_mode = force_generic_plan;
