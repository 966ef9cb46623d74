-- Whether a one-time token would be spent: asked before anything else is looked up for whoever presents it.
CREATE FUNCTION bootstrap_valid(p_hash text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT EXISTS (SELECT FROM installation WHERE bootstrap_hash = p_hash)
$$;--> statement-breakpoint
REVOKE ALL ON FUNCTION bootstrap_valid(text) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION bootstrap_valid(text) TO prokura_server;
