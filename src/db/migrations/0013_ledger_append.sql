-- The chain is continued where its head is locked: one round trip, whoever else appends. What is hashed is the canonical JSON (RFC 8785) of an
-- entry, members in their order; p_data are canonical already, and entryHash (src/domain/ledger/entry.ts) says the same for whoever verifies. In
-- a transaction this is the last statement (law 11). Returns the number of the last entry.
CREATE FUNCTION ledger_append(
  p_tenant text, p_at text, p_ids text[], p_events text[], p_actors text[], p_data text[], p_things text[]
) RETURNS bigint LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_seq bigint;
  v_first bigint;
  v_hash text;
  v_hashes text[] := '{}';
  v_previous text[] := '{}';
BEGIN
  SELECT seq, hash INTO v_seq, v_hash FROM ledger_heads WHERE tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the tenant has no ledger head';
  END IF;
  v_first := v_seq;
  FOR n IN 1 .. cardinality(p_ids) LOOP
    v_seq := v_seq + 1;
    v_previous[n] := v_hash;
    v_hash := encode(sha256(convert_to(
      '{"actor":' || to_json(p_actors[n])::text || ',"at":"' || p_at || '","data":' || p_data[n] || ',"event":"' || p_events[n]
      || '","id":"' || p_ids[n] || '","prev_hash":"' || v_hash || '","seq":' || v_seq || ',"tenant":"' || p_tenant || '"}', 'UTF8')), 'hex');
    v_hashes[n] := v_hash;
  END LOOP;
  UPDATE ledger_heads SET seq = v_seq, hash = v_hash WHERE tenant_id = p_tenant;
  INSERT INTO ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
    SELECT p_tenant, v_first + n, i, p_at::timestamptz, e, a, d::jsonb, p, h, string_to_array(t, chr(31))
      FROM unnest(p_ids, p_events, p_actors, p_data, v_previous, v_hashes, p_things) WITH ORDINALITY AS entry(i, e, a, d, p, h, t, n);
  RETURN v_seq;
END $$;--> statement-breakpoint
-- Entries that stand alone, of one tenant, in a transaction of their own and one round trip. An entry with a key ('' where it has none) is
-- written only if that key was never used before; the answer says for each whether it was written.
CREATE FUNCTION ledger_batch(
  p_tenant text, p_at text, p_ids text[], p_events text[], p_actors text[], p_data text[], p_things text[], p_keys text[], p_ends text[]
) RETURNS boolean[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  v_fresh boolean[] := '{}';
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  FOR n IN 1 .. cardinality(p_ids) LOOP
    v_fresh[n] := true;
    IF p_keys[n] <> '' THEN
      INSERT INTO replays (tenant_id, key, expires_at) VALUES (p_tenant, p_keys[n], p_ends[n]::timestamptz) ON CONFLICT DO NOTHING;
      v_fresh[n] := FOUND;
    END IF;
  END LOOP;
  IF false = ALL (v_fresh) THEN
    RETURN v_fresh;
  END IF;
  IF false = ANY (v_fresh) THEN
    SELECT array_agg(i ORDER BY n), array_agg(e ORDER BY n), array_agg(a ORDER BY n), array_agg(d ORDER BY n), array_agg(t ORDER BY n)
      INTO p_ids, p_events, p_actors, p_data, p_things
      FROM unnest(p_ids, p_events, p_actors, p_data, p_things, v_fresh) WITH ORDINALITY AS entry(i, e, a, d, t, fresh, n)
     WHERE fresh;
  END IF;
  PERFORM ledger_append(p_tenant, p_at, p_ids, p_events, p_actors, p_data, p_things);
  RETURN v_fresh;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_append(text, text, text[], text[], text[], text[], text[]) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_append(text, text, text[], text[], text[], text[], text[]) TO prokura_server;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_batch(text, text, text[], text[], text[], text[], text[], text[], text[]) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_batch(text, text, text[], text[], text[], text[], text[], text[], text[]) TO prokura_server;
