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
SELECT ledger_index(tenant_id, 9000000000000000) FROM ledger_heads;
