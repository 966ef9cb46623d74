-- Entries from before there was an index of what they name.
UPDATE ledger SET things = ARRAY(
  SELECT DISTINCT t FROM (
    SELECT 'by ' || actor AS t
    UNION ALL
    SELECT m[1] FROM regexp_matches(actor || ' ' || data::text, '\m([a-z]{2,5}_[0-9a-z]{26})\M', 'g') AS m
  ) AS named
);--> statement-breakpoint
-- Numbers of the entries that name all of some things. The array operators are not leakproof, so under row-level security their
-- index could not be used: this one asks for the tenant itself, which the transaction has named, and for nothing else.
CREATE FUNCTION ledger_about(
  p_things text[], p_events text[], p_from timestamptz, p_to timestamptz, p_after bigint, p_before bigint, p_newest boolean, p_limit int
) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
  RETURN QUERY
    SELECT l.seq FROM ledger l
     WHERE l.tenant_id = current_setting('app.tenant_id', true) AND l.things @> p_things
       AND (p_events IS NULL OR l.event = ANY (p_events))
       AND (p_from IS NULL OR l.at >= p_from) AND (p_to IS NULL OR l.at < p_to)
       AND l.seq > p_after AND (p_before IS NULL OR l.seq < p_before)
     ORDER BY CASE WHEN p_newest THEN -l.seq ELSE l.seq END
     LIMIT p_limit;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger_about(text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger_about(text[], text[], timestamptz, timestamptz, bigint, bigint, boolean, int) TO prokura_server;
