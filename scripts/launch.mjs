#!/usr/bin/env node
// Plain JavaScript for Node 18 or newer, because it runs before we know which Node there is.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// The oldest Node that runs TypeScript without a flag or a warning.
const OLDEST = [24, 12];
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

/**
 * Runs a file of the project, or a program of one of its packages, with a Node that is new enough:
 *
 *     node scripts/launch.mjs src/main/main.ts
 *     node scripts/launch.mjs vitest run
 *     node scripts/launch.mjs --env-file=agent.env examples/agent/main.ts
 *
 * Uses the Node that runs this script if it is new enough, and otherwise the package for this platform, which
 * `npm ci` installs. Passes signals on. The exit code is that of the program.
 */
function launch(flags, program, args) {
  const node = newEnough(process.versions.node) ? process.execPath : packagedNode();
  const child = spawn(node, [...flags, fileOf(program), ...args], {
    stdio: 'inherit',
    // So that programs that start `node` themselves get the same one.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
  });
  // Ctrl-C reaches the program too, and the program decides when to end.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${program} did not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.removeAllListeners();
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}

function newEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function packagedNode() {
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  try {
    const folder = dirname(require.resolve(`node-${platform}/package.json`));
    const node = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(node)) return node;
  } catch {
    // There is none for this platform, or it was not installed.
  }
  return fail(
    `Prokura needs Node ${OLDEST.join('.')} or newer. This is Node ${process.versions.node}, and there is no newer one for ${platform} in node_modules.\n` +
      'Install Node 24 (https://nodejs.org/en/download), or run npm ci without --omit=optional.',
  );
}

/**
 * A file's path is relative to the working directory. Anything else is a program of a package that
 * package.json names.
 */
function fileOf(program) {
  if (/\.[cm]?[jt]s$/.test(program)) return resolve(program);
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const folder = join(root, 'node_modules', name);
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const { bin } = JSON.parse(readFileSync(file, 'utf8'));
    const path = typeof bin === 'string' ? (name === program ? bin : undefined) : bin?.[program];
    if (path !== undefined) return join(folder, path);
  }
  return fail(`There is no program ${program} in node_modules. Run npm ci first.`);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}

const words = process.argv.slice(2);
const at = words.findIndex((word) => !word.startsWith('-'));
if (at < 0) fail('Usage: node scripts/launch.mjs [options of Node] <file or program> [arguments]');
launch(words.slice(0, at), words[at], words.slice(at + 1));
