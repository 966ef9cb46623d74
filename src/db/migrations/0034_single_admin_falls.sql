-- "One IT admin alone may change the rules" (tenants.settings.singleAdmin) is true only until there is a second one: the setting falls then,
-- whatever brought the second one, and does not return when one of the two is suspended or leaves the group. So it is looked at after
-- whatever may add one, and before whatever may take one away.
CREATE FUNCTION single_admin_falls() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  UPDATE tenants t SET settings = t.settings - 'singleAdmin'
   WHERE t.settings->>'singleAdmin' = 'true'
     AND (SELECT count(DISTINCT p.id) FROM group_mappings g
            JOIN groups gr ON gr.tenant_id = g.tenant_id AND gr.source = g.source AND gr.uid = g.group_uid
            JOIN memberships ms ON ms.tenant_id = gr.tenant_id AND ms.group_id = gr.id
            JOIN people p ON p.tenant_id = ms.tenant_id AND p.id = ms.person_id AND p.status = 'ACTIVE' AND p.scim_active IS DISTINCT FROM false AND NOT p.held
           WHERE g.tenant_id = t.id AND g.role = 'it_admin') > 1;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER single_admin_before BEFORE UPDATE OF status, scim_active, held OR DELETE ON people
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER INSERT OR UPDATE OF status, scim_active, held ON people
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_before BEFORE UPDATE OR DELETE ON memberships
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER INSERT OR UPDATE ON memberships
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_before BEFORE UPDATE OR DELETE ON group_mappings
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER INSERT OR UPDATE ON group_mappings
  FOR EACH STATEMENT EXECUTE FUNCTION single_admin_falls();--> statement-breakpoint
CREATE TRIGGER single_admin_after AFTER UPDATE OF settings ON tenants
  -- Not again for what the function itself updates.
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION single_admin_falls();
