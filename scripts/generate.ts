/** Writes every generated file. With `--check`, says which are stale and exits with 1. */
for (const what of ['validated', 'env-example', 'manifest', 'openapi', 'docs'])
  await import(`./generate-${what}.ts`);
