import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import './quick-imports.ts';

// Before anything else is loaded, because that takes seconds.
process.stdout.write('Starting Prokura …\n');
// Compiled code is kept beside the packages, for the next start. Nothing is kept where that is not writable.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/prokura'));
const { run } = await import('./run.ts');
await run(process.env);
// Normally written at the end, which a killed process does not reach.
flushCompileCache();
