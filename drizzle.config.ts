import { defineConfig } from 'drizzle-kit';

/** `npm run db:generate` compares the tables with the last migration and writes the next one. */
export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/domain/*/tables.ts', './src/surfaces/*/tables.ts'],
  out: './src/db/migrations',
});
