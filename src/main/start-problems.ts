import { createServer } from 'node:net';
import { Fault } from '#lib/fault.ts';
import { ConfigError, type Config } from './config.ts';

/**
 * Throws the system's error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` …) if the server could not listen there
 * now. To be asked before anything is created. Another program may still take the port afterwards: then
 * listening itself fails with the same error.
 */
export async function demandAddress({ port, host }: Pick<Config, 'port' | 'host'>): Promise<void> {
  const probe = createServer();
  await new Promise<void>((done, reject) => probe.once('error', reject).listen(port, host, done));
  await new Promise((done) => probe.close(done));
}

/** An error of the operating system, as Node reports it. */
interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly port?: number;
  readonly path?: string;
}

/**
 * Why the server did not start, and what to do. `config` is null if the settings could not be read. If what
 * to do is unknown, everything that is known about the error, with its stack.
 */
export function startProblem(error: unknown, config: Config | null): string {
  if (error instanceof ConfigError || error instanceof Fault) return error.message;
  if (!(error instanceof Error)) return String(error);
  if (config === null || !('code' in error) || typeof error.code !== 'string')
    return error.stack ?? error.message;
  const failure = error as SystemError;
  const words = failure.path === undefined ? ofAddress(failure, config) : ofFile(failure.path, failure.code);
  return words ?? error.stack ?? error.message;
}

/** What prevents the server, or a simulator, from listening. */
function ofAddress({ code, port = 0 }: SystemError, config: Config): string | null {
  switch (code) {
    case 'EADDRINUSE':
      // A sandbox's simulators keep their first ports. Only the server's own port is a setting.
      return port === config.port
        ? `Port ${port} is in use by another program. Stop that program, or set PORT to another port.`
        : `Port ${port}, which this sandbox used for a simulator, is in use by another program. Stop that program, or set PROKURA_DATA to another folder: a new sandbox uses free ports.`;
    case 'EACCES':
      return `This user is not allowed to listen on port ${port}. Set PORT to 1024 or higher, and let a proxy forward port ${port} to it.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST=${config.host} is not an address of this machine. Set HOST to one of its addresses, or to 0.0.0.0 for all of them.`;
    default:
      return null;
  }
}

/** What prevents the server from writing its files. */
function ofFile(path: string, code: string): string | null {
  const remedy = 'set PROKURA_DATA to a folder that this user can write to';
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `This user is not allowed to write ${path}. Change its owner, or ${remedy}.`;
    case 'EROFS':
      return `${path} is on a file system that can only be read. To start, ${remedy}.`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk is full: ${path} could not be written. Free some space, or ${remedy}.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${path} cannot be a folder: a file of that name is in the way. Rename that file, or ${remedy}.`;
    case 'ENOENT':
      return `${path} could not be created. Check that its parent folder exists, or ${remedy}.`;
    default:
      return null;
  }
}
