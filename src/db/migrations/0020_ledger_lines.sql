-- ledger_append and ledger_batch (0013) with the entries as one JSON text, an object a line: i(d), e(vent), a(ctor), d(ata), t(hings, joined by
-- U+001F). A column of texts each costs both ends more. What is hashed is the text of d as it came: json keeps it, character by character.
DROP FUNCTION ledger_batch(text, text, text[], text[], text[], text[], text[], text[], text[]);--> statement-breakpoint
DROP FUNCTION ledger_append(text, text, text[], text[], text[], text[], text[]);--> statement-breakpoint
CREATE FUNCTION ledger_append(p_tenant text, p_at text, p_lines json) RETURNS bigint LANGUAGE plpgsql SECURITY INVOKER AS $$
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
  RETURN v_seq;
END $$;--> statement-breakpoint
-- Entries that stand alone, of one tenant, in a transaction of their own and one round trip. p_once names those, by n(umber) from 1, that are written
-- only if their k(ey) was never used before, and when the key is forgotten (x); the answer says for each entry whether it was written.
CREATE FUNCTION ledger_batch(p_tenant text, p_at text, p_lines json, p_once json) RETURNS boolean[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_fresh boolean[] := array_fill(true, ARRAY[json_array_length(p_lines)]);
  v_one record;
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  FOR v_one IN SELECT n, k, x FROM json_to_recordset(p_once) AS one(n int, k text, x timestamptz) LOOP
    INSERT INTO replays (tenant_id, key, expires_at) VALUES (p_tenant, v_one.k, v_one.x) ON CONFLICT DO NOTHING;
    v_fresh[v_one.n] := FOUND;
  END LOOP;
  IF false = ALL (v_fresh) THEN
    RETURN v_fresh;
  END IF;
  IF false = ANY (v_fresh) THEN
    SELECT json_agg(line ORDER BY n) INTO p_lines FROM json_array_elements(p_lines) WITH ORDINALITY AS entry(line, n) WHERE v_fresh[n];
  END IF;
  PERFORM ledger_append(p_tenant, p_at, p_lines);
  RETURN v_fresh;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_append(text, text, json) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_append(text, text, json) TO prokura_server;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_batch(text, text, json, json) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_batch(text, text, json, json) TO prokura_server;
