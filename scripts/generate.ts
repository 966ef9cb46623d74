/** Writes every file that follows from others, or with `--check` says which are not fresh (exit code 1). */
for (const what of ['validated', 'env-example', 'manifest', 'openapi', 'docs'])
  await import(`./generate-${what}.ts`);
