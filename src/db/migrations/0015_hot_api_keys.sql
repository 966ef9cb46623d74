-- Many keys of one tenant in one round trip, each with what its use depends on, read in one statement.
DROP FUNCTION hot_api_key(text, text);--> statement-breakpoint
CREATE FUNCTION hot_api_keys(p_tenant text, p_hashes text[]) RETURNS SETOF json LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant, true);
  RETURN QUERY
    SELECT json_build_object('hash', k.hash, 'id', k.id, 'name', k.name, 'scopes', k.scopes, 'source', k.source,
           'rest_enabled', coalesce(t.settings -> 'enabledProviders' ? 'API_KEY', true))
      FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
     WHERE k.tenant_id = p_tenant AND k.hash = ANY (p_hashes) AND k.revoked_at IS NULL;
END $$;
