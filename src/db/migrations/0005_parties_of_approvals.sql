-- Whom approvals and calls may concern, for the lists (`approvalParties`, `callTargets`). Triggers keep the
-- rows, so they are there in the transaction that asks, decides or votes, whichever statement that is.
--
-- The parties of a call, and, from the requirements of its approval, the rules that may ask somebody. A rule
-- stays a rule here: whom it names is found by whoever reads.
CREATE FUNCTION parties_of(p_principal text, p_agent text, p_mandate text, p_targets text[], p_requirements jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'asked_by:' || p_principal WHERE p_principal IS NOT NULL
  UNION SELECT 'agent:' || p_agent WHERE p_agent IS NOT NULL
  UNION SELECT 'mandate:' || p_mandate WHERE p_mandate IS NOT NULL
  UNION SELECT 'about:' || target FROM unnest(p_targets) AS target WHERE starts_with(target, 'usr_')
  UNION SELECT rule FROM jsonb_array_elements(p_requirements) AS r
    CROSS JOIN LATERAL unnest(ARRAY[r->>'approver', r->>'fallback']) AS kind
    CROSS JOIN LATERAL (
      SELECT 'manager:' || p_principal AS rule WHERE kind = 'manager'
      UNION ALL SELECT 'manager:' || target FROM unnest(p_targets) AS target WHERE kind = 'manager_of_target' AND starts_with(target, 'usr_')
      UNION ALL SELECT 'owner:' || target FROM unnest(p_targets) AS target WHERE kind = 'owner' AND starts_with(target, 'agt_')
      UNION ALL SELECT kind WHERE kind ~ '^(role|group|anyone|person):'
    ) AS asked WHERE rule IS NOT NULL
$$;--> statement-breakpoint
CREATE FUNCTION approval_asked() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO approval_parties (tenant_id, party, approval_id, expires_at)
    SELECT a.tenant_id, party, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
      FROM fresh a JOIN calls c ON c.tenant_id = a.tenant_id AND c.id = a.call_id
     CROSS JOIN LATERAL parties_of(c.principal_id, c.agent_id, c.mandate_id, c.targets, CASE WHEN a.state = 'pending' THEN a.requirements ELSE '[]' END) AS party;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER approval_asked AFTER INSERT ON approvals REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION approval_asked();--> statement-breakpoint
-- A decided approval asks nobody any more. It stays with those whom it concerned.
CREATE FUNCTION approval_decided() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  DELETE FROM approval_parties p USING fresh a
   WHERE a.state <> 'pending' AND p.tenant_id = a.tenant_id AND p.approval_id = a.id AND p.expires_at IS NOT NULL
     AND p.party ~ '^(role|group|anyone|person|manager|owner):';
  UPDATE approval_parties p SET expires_at = NULL FROM fresh a
   WHERE a.state <> 'pending' AND p.tenant_id = a.tenant_id AND p.approval_id = a.id AND p.expires_at IS NOT NULL;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER approval_decided AFTER UPDATE ON approvals REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION approval_decided();--> statement-breakpoint
CREATE FUNCTION approval_voted() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO approval_parties (tenant_id, party, approval_id, expires_at)
    SELECT v.tenant_id, 'voter:' || v.voter_id, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
      FROM fresh v JOIN approvals a ON a.tenant_id = v.tenant_id AND a.id = v.approval_id;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER approval_voted AFTER INSERT ON votes REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION approval_voted();--> statement-breakpoint
CREATE FUNCTION call_about() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  INSERT INTO call_targets (tenant_id, person_id, call_id)
    SELECT DISTINCT c.tenant_id, target, c.id FROM fresh c CROSS JOIN LATERAL unnest(c.targets) AS target WHERE starts_with(target, 'usr_');
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER call_about AFTER INSERT ON calls REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION call_about();--> statement-breakpoint
-- What a call is about is said once.
REVOKE UPDATE, DELETE, TRUNCATE ON call_targets FROM prokura_server;--> statement-breakpoint
-- The same for what is there already.
INSERT INTO approval_parties (tenant_id, party, approval_id, expires_at)
  SELECT a.tenant_id, party, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
    FROM approvals a JOIN calls c ON c.tenant_id = a.tenant_id AND c.id = a.call_id
   CROSS JOIN LATERAL parties_of(c.principal_id, c.agent_id, c.mandate_id, c.targets, CASE WHEN a.state = 'pending' THEN a.requirements ELSE '[]' END) AS party
  UNION SELECT v.tenant_id, 'voter:' || v.voter_id, a.id, CASE WHEN a.state = 'pending' THEN a.expires_at END
    FROM votes v JOIN approvals a ON a.tenant_id = v.tenant_id AND a.id = v.approval_id;--> statement-breakpoint
INSERT INTO call_targets (tenant_id, person_id, call_id)
  SELECT DISTINCT c.tenant_id, target, c.id FROM calls c CROSS JOIN LATERAL unnest(c.targets) AS target WHERE starts_with(target, 'usr_');
