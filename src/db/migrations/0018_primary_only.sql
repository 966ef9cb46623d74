-- What decides is read at the primary alone: a standby may be behind, and would go on allowing what has been revoked (law 4). 25006 is the
-- error that a write gets there, so that a read is refused in the same way (src/db/reach.ts). Whoever reads standing says
-- WHERE primary_only(): STABLE, so that it is asked once and first, whether or not there are rows.
CREATE FUNCTION primary_only() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
BEGIN
  IF pg_catalog.pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this database server is a standby' USING ERRCODE = '25006', HINT = 'Connect to the primary.';
  END IF;
  RETURN true;
END $$;
