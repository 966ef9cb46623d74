import type { Sql } from 'postgres';
import type { PeerMandate } from './provider.ts';

interface Row extends Omit<PeerMandate, 'agentId' | 'expiresAt'> {
  readonly agent_id: string;
  readonly expires_at: Date;
}

/**
 * The peer's one strict read, written independently of `hot_mandates`. Reads as the owner, to whom row-level
 * security does not apply.
 */
export async function readMandate(
  owner: Sql,
  tenantId: string,
  mandateId: string,
): Promise<PeerMandate | null> {
  const [row] = await owner<Row[]>`
    select m.agent_id, 'oidc:' || p.provider || ':' || p.uid as subject, m.scopes, a.ceiling, m.resources, m.expires_at,
           array[t.epoch, p.epoch, a.epoch, m.epoch] as epoch, m.status_index as place,
           m.state = 'active' and m.starts_at <= now() and m.expires_at > now() and (m.max_uses is null or m.uses < m.max_uses)
             and p.status = 'ACTIVE' and not p.held and p.scim_active is not false and a.status = 'active' and t.status = 'active' as usable,
           array(select unnest(gm.scopes) from memberships ms
                   join groups g on g.tenant_id = ms.tenant_id and g.id = ms.group_id
                   join group_mappings gm on gm.tenant_id = g.tenant_id and gm.source = g.source and gm.group_uid = g.uid
                  where ms.tenant_id = m.tenant_id and ms.person_id = p.id) as authority
      from mandates m
      join people p on p.tenant_id = m.tenant_id and p.id = m.principal_id
      join agents a on a.tenant_id = m.tenant_id and a.id = m.agent_id
      join tenants t on t.id = m.tenant_id
     where m.tenant_id = ${tenantId} and m.id = ${mandateId}`;
  return row === undefined ? null : { ...row, agentId: row.agent_id, expiresAt: row.expires_at };
}
