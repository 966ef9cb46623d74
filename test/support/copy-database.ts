import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { inject } from 'vitest';

/** Copies the migrated template database. Returns the copy's URL, as its owner. */
export async function copyDatabase(): Promise<string> {
  const template = new URL(inject('templateUrl'));
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const admin = new URL(template);
  admin.pathname = '/postgres';
  const sql = postgres(admin.href, { max: 1, onnotice: () => {} });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql.unsafe(`create database ${name} template prokura`);
      break;
    } catch (error) {
      // Another file is copying now, and only one can copy a template at a time.
      if (attempt > 50) throw error;
      await sleep(100);
    }
  }
  await sql.end();
  template.pathname = `/${name}`;
  return template.href;
}
