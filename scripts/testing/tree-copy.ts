import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A copy of the working tree. */
export interface TreeCopy {
  readonly root: string;
  /** Applies a patch or reverts it. False if it does not fit. */
  patch(file: string, way: 'apply' | 'revert'): boolean;
  remove(): void;
}

/**
 * Copies all files of `root` that git does not ignore into a new temporary folder. With `packages: false` the
 * copy has no `node_modules`, like a fresh clone.
 */
export function copyTree(root: string, { packages = true } = {}): TreeCopy {
  const copy = mkdtempSync(join(tmpdir(), 'prokura-copy-'));
  // As in a clone: if npm start runs as root, PostgreSQL runs as another user, who must be able to enter it.
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
        // One line of context is enough, since code nearby may change. Inside a repository git would skip
        // paths that it does not know there, so keep git outside of any.
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
