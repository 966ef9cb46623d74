import type { CompanySize } from './sizes.ts';

/** People of a filled company who are active. The others were suspended, and have nothing. */
export const activePeople = ({ people }: Pick<CompanySize, 'people'>): number =>
  Math.max(1, Math.floor(people * 0.98));

/** How many direct reports each manager has. The first people are the managers. */
const REPORTS = 20;

const FIRST = `array['Ann','Bob','Carla','Dmitri','Elif','Farid','Grace','Hugo','Ines','Jamal','Karin','Liam',
  'Maya','Noor','Olga','Paulo','Quentin','Rosa','Sven','Tara','Uma','Viktor','Wen','Ximena','Yusuf','Zoe']`;
const LAST = `array['Adams','Berg','Costa','Dubois','Eriksen','Fischer','Garcia','Haddad','Ivanova','Jensen',
  'Kowalski','Lopez','Meyer','Nakamura','Okafor','Petrov','Quist','Rossi','Schmidt','Tanaka','Ueda','Vargas',
  'Weber','Xu','Yilmaz','Zhang','Moreau','Novak','Santos']`;
/** One name in twenty is written in one of these ways. */
const SCRIPTS = `array['Мария Иванова','Γιώργος Παππάς','محمد الأحمد','שרה לוי','田中 美咲','王小明','김민준',
  'अनिता शर्मा','สมชาย ใจดี','Nguyễn Thị Hương','Łukasz Żółć','O''Brien-Ÿ, "Jo"']`;

/**
 * Statements that make people with managers, groups with members and mappings, and agents. The nth person of
 * a filled company is `fill_id('usr', n)`; so are the others.
 */
export const directorySql = (size: CompanySize): string => `
  insert into people (tenant_id, id, provider, uid, login, email, display_name, first_name, last_name,
                      employee_number, title, department, manager_id, status, scim_active, scim_id, scim_doc)
  select current_setting('app.tenant_id'), pg_temp.fill_id('usr', n), 'okta', uid, email, email,
         case when n % 500 = 250 then rpad(given || ' ', 200, family || ' ')
              when n % 20 = 10 then (${SCRIPTS})[1 + n / 20 % 12]
              else given || ' ' || family end,
         given, family, 'F' || n,
         case when n <= ${size.people} / ${REPORTS} then 'Team Lead' else 'Engineer' end,
         (array['Engineering','Finance','Sales','Support','Legal'])[1 + n % 5],
         case when n > 1 then pg_temp.fill_id('usr', (n - 2) / ${REPORTS} + 1) end,
         case when n <= ${activePeople(size)} then 'ACTIVE' else 'SUSPENDED' end,
         n <= ${activePeople(size)}, pg_temp.fill_id('scim', n),
         jsonb_build_object('externalId', uid, 'name', jsonb_build_object('givenName', given, 'familyName', family))
    from generate_series(1, ${size.people}) n,
         lateral (select (${FIRST})[1 + n % 26] as given, (${LAST})[1 + n % 29] as family) named,
         lateral (select lower(given || '.' || family) || n || '@acme.example' as email,
                         '00u' || lpad(n::text, 15, '0') || 'f7' as uid) known;

  insert into groups (tenant_id, id, source, uid, name, kind)
  select current_setting('app.tenant_id'), pg_temp.fill_id('grp', n), 'okta', '00g' || lpad(n::text, 15, '0') || 'f7',
         case n when 1 then 'Everybody' when 2 then 'Staff' else
           (array['Project','Team','Site','Команда','チーム'])[1 + n % 5] || ' ' || n end,
         case when n = 1 then 'BUILT_IN' else 'OKTA_GROUP' end
    from generate_series(1, ${size.groups}) n;

  insert into group_mappings (tenant_id, id, source, group_uid, role, scopes)
  select current_setting('app.tenant_id'), pg_temp.fill_id('map', n), 'okta', '00g' || lpad(n::text, 15, '0') || 'f7',
         case n when 2 then 'staff' else 'team_' || n end,
         case n when 2 then '{okta.mfa.reset,okta.password.reset,okta.users.read}' else '{okta.users.read}' end::text[]
    from generate_series(2, ${size.mappedGroups} + 1) n;

  insert into memberships (tenant_id, group_id, person_id)
  select current_setting('app.tenant_id'), pg_temp.fill_id('grp', g), pg_temp.fill_id('usr', p)
    from (select g, p from generate_series(1, ${size.people}) p, generate_series(1, 2) g
          union
          select 3 + (p * 5 + k * 397 + p / 7) % (${size.groups} - 2), p
            from generate_series(1, ${size.people}) p, generate_series(1, 5) k) member(g, p);

  -- Those who lead, and those who run the identity system, are in the groups that say so already.
  insert into memberships (tenant_id, group_id, person_id)
  select g.tenant_id, g.id, pg_temp.fill_id('usr', p)
    from groups g
    join group_mappings m on m.tenant_id = g.tenant_id and m.source = g.source and m.group_uid = g.uid
    join generate_series(1, ${size.people}) p
      on m.role = 'manager' and p <= ${size.people} / ${REPORTS} or m.role = 'it_admin' and p % 500 = 42
   where g.tenant_id = current_setting('app.tenant_id') and g.source <> 'prokura'
  on conflict do nothing;

  insert into agents (tenant_id, id, name, owner_id, ceiling, secret_hash)
  select current_setting('app.tenant_id'), pg_temp.fill_id('agt', n), 'helper-' || lpad(n::text, 6, '0'),
         pg_temp.fill_id('usr', 1 + n * 7 % ${activePeople(size)}),
         '{okta.mfa.reset,okta.password.reset,okta.users.read}',
         encode(sha256(convert_to(pg_temp.fill_id('agt', n), 'UTF8')), 'hex')
    from generate_series(1, ${size.agents}) n;`;
