import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A copy of the working tree. */
export interface TreeCopy {
  readonly root: string;
  /** Applies a patch, or takes it back. False where it does not fit. */
  patch(file: string, way: 'apply' | 'revert'): boolean;
  remove(): void;
}

/**
 * Copies what git tracks, and what it neither tracks nor ignores, from `root` into a new folder below the system's temporary one.
 * With `packages: false` the copy has no `node_modules`, as a fresh clone has none.
 */
export function copyTree(root: string, { packages = true } = {}): TreeCopy {
  const copy = mkdtempSync(join(tmpdir(), 'prokura-copy-'));
  // As a clone is: the user that PostgreSQL runs as where npm start runs as root can enter it.
  chmodSync(copy, 0o755);
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0')) {
    if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(copy, file));
  }
  if (packages) symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return {
    root: copy,
    patch: (file, way) => {
      try {
        // One line of context is enough: code beside it may change. Outside of any repository: inside of one, git would leave out paths that it does not know there.
        execFileSync('git', ['apply', '-C1', ...(way === 'revert' ? ['-R'] : []), file], {
          cwd: copy,
          stdio: 'ignore',
          env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
        });
        return true;
      } catch {
        return false;
      }
    },
    remove: () => rmSync(copy, { recursive: true, force: true }),
  };
}
