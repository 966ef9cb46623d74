import { givingCalls, termsOf } from './delegation.ts';
import type { CompanySize } from './sizes.ts';

/** The search terms of an entry, as `ledgerLines` joins them. */
const things = (...terms: string[]): string => terms.join(` || chr(31) || `);

/**
 * A statement that appends the entries of a filled company through the product's own function, one call for
 * each slot of time: who was provisioned, what became of mandates and calls, and, for the rest, tokens that
 * were issued and checks by one busy system. `d` is canonical JSON.
 */
export const entriesSql = (size: CompanySize, slots: number): string => {
  const agentCalls = size.calls - givingCalls(size);
  const told = size.people + Math.floor(size.mandates * 1.32) + size.calls + size.waiting;
  const rest = Math.max(0, size.entries - told);
  const mandates = `generate_series(1, ${size.mandates}) n, ${termsOf('n', size, slots)},
    lateral (select pg_temp.fill_id('mdt', n) as mdt, pg_temp.fill_id('usr', principal) as usr, pg_temp.fill_id('agt', agent) as agt) ids`;
  return `do $do$
  declare part record;
  begin
    for part in
      select slot, json_agg(json_build_object('i', pg_temp.fill_id('evt', slot * 10000000 + nth), 'e', e, 'a', a, 'd', d::json, 't', t) order by nth) as lines
        from (
      select 0::bigint as slot, n::bigint as nth, 'user_provisioned' as e, 'okta:scim' as a,
             format('{"person":"%s"}', usr) as d, ${things(`'by okta:scim'`, 'usr')} as t
        from generate_series(1, ${size.people}) n, lateral (select pg_temp.fill_id('usr', n) as usr) ids
      union all
      select born, 1000000 + n, 'MANDATE_CREATED', usr,
             format('{"agent":"%s","call_id":"%s","mandate_id":"%s","principal":"%s","purpose":"work that goes on","scopes":["okta.users.read"]}',
                    agt, pg_temp.fill_id('call', 2 * n - 1), mdt, usr),
             ${things(`'by ' || usr`, 'usr', 'agt', 'mdt', `pg_temp.fill_id('call', 2 * n - 1)`)}
        from ${mandates}
      union all
      select over, 2000000 + n, case state when 'frozen' then 'MANDATE_FROZEN' when 'revoked' then 'MANDATE_REVOKED' else 'MANDATE_EXPIRED' end,
             'prokura', format(case state when 'frozen' then '{"agent":"%1$s","cause":"%2$s","mandate_id":"%3$s","principal":"%4$s"}'
                                          else '{"agent":"%1$s","mandate_id":"%3$s","principal":"%4$s","reason":"no longer needed"}' end, agt, cause, mdt, usr),
             ${things(`'by prokura'`, 'usr', 'agt', 'mdt')}
        from ${mandates} where state <> 'active'
      union all
      select (n - 1) * ${slots}::bigint / ${Math.max(1, givingCalls(size))}, 3000000 + n, 'CALL_SUCCEEDED', usr,
             format('{"call_id":"%s","surface":"slack","targets":["%s"],"tool":"mandate_create"}', pg_temp.fill_id('call', 2 * n - 1), agt),
             ${things(`'by ' || usr`, 'usr', 'agt', `pg_temp.fill_id('call', 2 * n - 1)`)}
        from ${mandates} where n <= ${givingCalls(size)}
      union all
      select (k - 1) * ${slots}::bigint / ${agentCalls}, 4000000 + k,
             case c.state when 'succeeded' then 'CALL_SUCCEEDED' when 'denied' then 'CALL_DENIED' else 'CALL_FAILED' end,
             c.agent_id || ' for ' || c.principal_id,
             format('{"agent":"%s","call_id":"%s","mandate_id":"%s","principal":"%s","surface":"mcp","targets":["%s"],"tool":"%s"}',
                    c.agent_id, c.id, c.mandate_id, c.principal_id, c.targets[1], c.tool),
             ${things(`'by ' || c.agent_id || ' for ' || c.principal_id`, 'c.agent_id', 'c.principal_id', 'c.mandate_id', 'c.id', `c.targets[1]`)}
        from generate_series(1, ${agentCalls}) k
        join calls c on c.tenant_id = current_setting('app.tenant_id') and c.id = pg_temp.fill_id('call', 2 * k)
      union all
      select ${slots - 1}, 5000000 + w, 'CALL_WAITING', c.principal_id,
             format('{"approval_id":"%s","call_id":"%s","surface":"slack","targets":["%s"],"tool":"mandate_create"}', c.approval_id, c.id, c.targets[1]),
             ${things(`'by ' || c.principal_id`, 'c.principal_id', 'c.approval_id', 'c.id', 'c.targets[1]')}
        from generate_series(1, ${size.waiting}) w
        join calls c on c.tenant_id = current_setting('app.tenant_id')
                    and c.id = pg_temp.fill_id('call', ${2 * size.calls + 2 * size.mandates} + w)
      union all
      select (k - 1) * ${slots}::bigint / ${Math.max(1, rest)}, 6000000 + k, case when k % 5 < 3 then 'TOKEN_ISSUED' else 'VERIFIED' end,
             case when k % 5 < 3 then agt || ' for ' || usr else 'Payroll' end,
             case when k % 5 < 3 then
               format('{"aud":"https://prokura.test/mcp","by":"access_token","client_id":"%s","exp":1790000000,"jti":"%s","mandate_id":"%s","scope":"okta.users.read","sub":"oidc:okta:%s"}',
                      agt, md5('jti' || k), mdt, k)
             else
               format('{"action":"okta.users.read","agent":"%s","counted":false,"decision":"allow","mandate_id":"%s","principal":"%s","reasons":[]}', agt, mdt, usr)
             end,
             case when k % 5 < 3 then ${things(`'by ' || agt || ' for ' || usr`, 'agt', 'usr', 'mdt')}
                  else ${things(`'by Payroll'`, 'agt', 'usr', 'mdt')} end
        from generate_series(1, ${rest}) k,
             lateral (select 1 + k * 7919::bigint % greatest(1, k * ${size.mandates}::bigint / ${Math.max(1, rest)}) as m) one,
             ${termsOf('m', size, slots)},
             lateral (select pg_temp.fill_id('mdt', m) as mdt, pg_temp.fill_id('usr', principal) as usr, pg_temp.fill_id('agt', agent) as agt) ids
             ) entry(slot, nth, e, a, d, t)
       group by slot order by slot
    loop
      perform ledger_append(current_setting('app.tenant_id'),
        to_char(pg_temp.fill_moment(part.slot) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), part.lines);
    end loop;
  end $do$;`;
};
