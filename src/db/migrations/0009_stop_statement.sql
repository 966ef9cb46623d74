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
