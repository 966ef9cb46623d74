import { registerHooks, type ResolveFnOutput } from 'node:module';

const found = new Map<string, ResolveFnOutput>();

/**
 * Makes drizzle-orm load quickly. Its package.json has 180 kB, and Node parses it again for each import of
 * the package and for each of its more than a hundred modules: seconds in all on a slow machine. So the
 * result of an import is kept, and an import of one file of the package by another, all ES modules, needs no
 * package.json.
 */
registerHooks({
  resolve: (specifier, context, next) => {
    if (!context.conditions.includes('import')) return next(specifier, context);
    if (/^drizzle-orm(?:\/|$)/.test(specifier)) {
      const known = found.get(specifier) ?? next(specifier, context);
      found.set(specifier, known);
      return { ...known, shortCircuit: true };
    }
    if (/^\..*\.js$/.test(specifier) && context.parentURL?.includes('/node_modules/drizzle-orm/') === true)
      return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true };
    return next(specifier, context);
  },
});
