import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import suite from '../../vitest.config.ts';

const { projects: _, ...common } = suite.test ?? {};

/**
 * The suite's configuration, including set-up and database, for the files that prove that a run can pass and
 * can fail.
 */
export default defineConfig({
  ...suite,
  root: resolve(import.meta.dirname, '../..'),
  test: { ...common, include: ['test/proof/*.proof.ts'] },
});
