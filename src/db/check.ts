import { readFileSync } from 'node:fs';
import postgres, { type Sql } from 'postgres';
import { answersTo, clockCheck, SILENCE_REMEDY, silenceOf, type Check } from '#lib/check.ts';
import { Fault } from '#lib/fault.ts';
import { oneLine } from '#lib/sanitise.ts';
import { connectionTarget } from './connection-url.ts';
import type { Mode } from './migrate.ts';
import { SERVER_ROLE } from './pool.ts';
import { checkSessions } from './session-check.ts';

/** The answers about a database, and the organisations in it; none where that could not be read. */
export interface DatabaseChecks {
  readonly checks: readonly Check[];
  readonly tenants: readonly string[];
}

/** Less than `prokura check` waits for everything asked of one system, so that this answer still counts. */
const DEADLINE_MS = 40_000;

/**
 * Asks the database of an installation, as its owner and by reads alone: is it there, a primary, made for
 * this mode; may the owner do what migrations need; does this code know all its migrations; does row-level
 * security bind the server's role; what does its clock say. After `deadlineMs` it hangs up, and says so:
 * a connection in which nothing arrives any more would keep the program alive.
 */
export async function checkDatabase(
  ownerUrl: string,
  mode: Mode,
  now: () => number,
  deadlineMs = DEADLINE_MS,
): Promise<DatabaseChecks> {
  const reached = answersTo('database.reached', 'Database: the connection');
  let sql: Sql;
  try {
    sql = connected(ownerUrl);
  } catch (error) {
    const found = error instanceof Fault ? error.message : 'DATABASE_URL is not a URL.';
    return alone(reached.failed(found, 'Correct DATABASE_URL.', 'invalid_url'));
  }
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new DOMException('no answer in time', 'TimeoutError'));
    void sql.end({ timeout: 0 }).catch(() => {});
  }, deadlineMs);
  try {
    const before = now();
    const [row] = await sql<{ at: number; version: string; standby: boolean }[]>`
      select extract(epoch from clock_timestamp())::float8 as at, current_setting('server_version') as version,
             pg_is_in_recovery() as standby`;
    const after = now();
    if (row === undefined) throw new Error('no answer');
    if (row.standby)
      return alone(
        reached.failed(
          'It is a standby, which cannot be written to and may be behind.',
          'Point DATABASE_URL at the primary.',
          'standby',
        ),
      );
    const clock = answersTo('database.clock', 'Database: the clock');
    const checks = [
      reached.ok(`PostgreSQL ${oneLine(row.version)} answers.`),
      clockCheck(clock, "The database's", row.at * 1000, (before + after) / 2),
      await roleCheck(sql),
    ];
    const schema = await schemaChecks(sql, mode);
    checks.push(...schema.checks);
    if (schema.current) checks.push(await securityCheck(sql), await sessionCheck(ownerUrl, late.signal));
    return { checks, tenants: schema.current ? await tenantsOf(sql) : [] };
  } catch (error) {
    return alone(refusal(late.signal.aborted ? late.signal.reason : error));
  } finally {
    clearTimeout(timer);
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

const alone = (check: Check): DatabaseChecks => ({ checks: [check], tenants: [] });

function connected(ownerUrl: string): Sql {
  const { url, ssl, options } = connectionTarget(ownerUrl);
  return postgres(url, {
    ssl,
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    connect_timeout: 5,
    // One try: a check that cannot connect says so.
    backoff: () => 60,
    connection: {
      application_name: 'prokura-check',
      statement_timeout: 10_000,
      ...(options === '' ? {} : { options }),
    },
  });
}

/** What PostgreSQL said, by its SQLSTATE; never its words, which may quote values. */
function refusal(error: unknown): Check {
  const answers = answersTo('database.reached', 'Database: the connection');
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '28P01' || code === '28000')
    return answers.failed(
      'PostgreSQL refuses the user or the password.',
      'Check user and password in DATABASE_URL (special characters must be percent-encoded), and pg_hba.conf.',
      code,
    );
  if (code === '3D000')
    return answers.failed(
      'There is no database of this name.',
      'Create it (CREATE DATABASE … OWNER …), or correct the name in DATABASE_URL.',
      code,
    );
  if (/^(?:\d|XX|P0)[0-9A-Z]{3,4}$/.test(code))
    return answers.failed(
      `PostgreSQL refuses (SQLSTATE ${code}).`,
      'Look at the log of the database server.',
      code,
    );
  const silence = silenceOf(error);
  return answers.failed(
    `The database ${silence.words}.`,
    SILENCE_REMEDY[silence.code]('DATABASE_URL'),
    silence.code,
  );
}

async function roleCheck(sql: Sql): Promise<Check> {
  const answers = answersTo('database.role', 'Database: the user');
  const [row] = await sql<{ name: string; creates: boolean; owns: boolean; known: boolean; acts: boolean }[]>`
    select current_user as name,
           (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as creates,
           pg_has_role(current_user, (select datdba from pg_database where datname = current_database()), 'USAGE') as owns,
           exists (select from pg_roles where rolname = ${SERVER_ROLE}) as known,
           coalesce((select pg_has_role(current_user, oid, 'SET') from pg_roles where rolname = ${SERVER_ROLE}), false) as acts`;
  const name = oneLine(row?.name ?? '');
  const lacks = [
    ...(row?.owns === true ? [] : ['does not own the database']),
    ...(row?.known === true
      ? row.acts || row.creates
        ? []
        : [`cannot act as the role ${SERVER_ROLE}`]
      : row?.creates === true
        ? []
        : [`cannot create the role ${SERVER_ROLE}`]),
  ];
  return lacks.length === 0
    ? answers.ok(`${name} owns the database and can act as ${SERVER_ROLE}.`)
    : answers.failed(
        `${name} ${lacks.join(', and ')}.`,
        `As a superuser: CREATE ROLE ${SERVER_ROLE} NOLOGIN; GRANT ${SERVER_ROLE} TO ${name}; ALTER DATABASE … OWNER TO ${name};`,
        'rights',
      );
}

interface Known {
  readonly entries: readonly { readonly when: number; readonly tag: string }[];
}

/** `current`: the tables are those that this code knows, so that the next questions can be asked. */
async function schemaChecks(sql: Sql, mode: Mode): Promise<{ checks: Check[]; current: boolean }> {
  const answers = answersTo('database.migrations', 'Database: the migrations');
  const { entries } = JSON.parse(
    readFileSync(new URL('./migrations/meta/_journal.json', import.meta.url), 'utf8'),
  ) as Known;
  const [there] = await sql<
    { made: boolean }[]
  >`select to_regclass('drizzle.__drizzle_migrations') is not null as made`;
  if (there?.made !== true)
    return {
      checks: [answers.ok('The database is empty: the first start makes its tables.')],
      current: false,
    };
  const [row] = await sql<
    { last: string | null }[]
  >`select max(created_at)::text as last from drizzle.__drizzle_migrations`;
  const last = Number(row?.last ?? 0);
  const newest = entries.at(-1);
  if (newest !== undefined && last > newest.when)
    return {
      checks: [
        answers.failed(
          'A newer version of Prokura has migrated this database.',
          'Start that version or a newer one: an older one does not know its tables.',
          'newer',
        ),
      ],
      current: false,
    };
  const pending = entries.filter(({ when }) => when > last);
  if (last > 0 && pending.length === entries.length)
    return {
      checks: [
        answers.failed(
          'It was made by Prokura before its first release, and no migration leads on from there.',
          'Point DATABASE_URL (or PROKURA_DATA) at an empty database.',
          'before_first',
        ),
      ],
      current: false,
    };
  const installed = await sql<{ mode: Mode }[]>`select mode from installation`;
  const other = installed.find((one) => one.mode !== mode);
  const kind = answersTo('database.mode', 'Database: what it is for');
  const modeChecks =
    other === undefined
      ? [kind.ok(`It belongs to a ${mode} installation.`)]
      : [
          kind.failed(
            `It belongs to a ${other.mode} installation, and is never opened as ${mode}.`,
            'Point DATABASE_URL (or PROKURA_DATA) at another database, or start it in its own mode.',
            'other_mode',
          ),
        ];
  return pending.length === 0
    ? { checks: [answers.ok(`All ${entries.length} are applied.`), ...modeChecks], current: true }
    : {
        checks: [
          answers.warning(
            `${pending.length} of ${entries.length} are pending, from ${pending[0]?.tag ?? ''} on.`,
            'Back up the database; the next start applies them.',
          ),
          ...modeChecks,
        ],
        current: false,
      };
}

async function securityCheck(sql: Sql): Promise<Check> {
  const answers = answersTo('database.row_security', 'Database: row-level security');
  const open = await sql<{ name: string }[]>`
    select c.relname as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> 'installation'
       and not (c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
     order by 1`;
  const [role] = await sql<{ passes: boolean }[]>`
    select r.rolsuper or r.rolbypassrls or exists (
             select from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relowner = r.oid
                and not c.relforcerowsecurity) as passes
      from pg_roles r where r.rolname = ${SERVER_ROLE}`;
  if (open.length > 0)
    return answers.failed(
      `It is off for ${open.map(({ name }) => oneLine(name)).join(', ')}: organisations are not isolated there.`,
      'Restore the schema from a backup, or ALTER TABLE … ENABLE ROW LEVEL SECURITY and recreate its policy.',
      'row_security_off',
    );
  if (role === undefined || role.passes)
    return answers.failed(
      `The role ${SERVER_ROLE} passes it over, as a superuser, by BYPASSRLS or as owner of tables.`,
      `As a superuser: ALTER ROLE ${SERVER_ROLE} NOSUPERUSER NOBYPASSRLS; and give its tables back to the owner of the database.`,
      'row_security_passed',
    );
  return answers.ok(`It is on for every organisation's tables, and binds ${SERVER_ROLE}.`);
}

async function sessionCheck(ownerUrl: string, signal: AbortSignal): Promise<Check> {
  const answers = answersTo('database.sessions', 'Database: the sessions');
  try {
    await checkSessions(ownerUrl, SERVER_ROLE, signal);
    return answers.ok('Connections are sessions of their own, with the role of the server.');
  } catch (error) {
    return answers.failed(
      error instanceof Fault ? (error.message.split('. ')[0] ?? '') + '.' : 'A session cannot be opened.',
      'Connect to PostgreSQL itself, or to a pooler in session mode that passes the start-up parameter "role" on.',
      'sessions',
    );
  }
}

async function tenantsOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from every_tenant() as id order by 1`;
  return rows.map(({ id }) => id);
}
