import type { TestProject } from 'vitest/node';
import { startTemplate, TEMPLATE_URL } from './template-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of the migrated template database, as its owner. */
    templateUrl: string;
  }
}

/** Starts one real PostgreSQL for the whole run, unless the environment names one that is running. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env[TEMPLATE_URL];
  const template = running === undefined ? await startTemplate() : { url: running, stop: async () => {} };
  project.provide('templateUrl', template.url);
  return () => template.stop();
}
