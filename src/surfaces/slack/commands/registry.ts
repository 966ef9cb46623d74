import { words, type Catalogue, type CatalogueEntry } from '#engine/catalogue.ts';
import { fieldsOf, type Field } from '../forms/fields.ts';

/** One command, as a tool's `command` declares it: `/okta reset password <person> [reason]`. */
export interface Route {
  readonly root: string;
  readonly path: readonly string[];
  /** Fields that are given by place, in their order. */
  readonly positional: readonly Field[];
  readonly fields: readonly Field[];
  readonly entry: CatalogueEntry;
  /** As it is typed, with what it takes. */
  readonly usage: string;
}

export interface Registry {
  /** `/agent`, `/mandate`, …, in alphabetical order. */
  readonly roots: readonly string[];
  readonly routes: readonly Route[];
  under(root: string): readonly Route[];
  byTool(name: string): Route | undefined;
}

/** Other words for words of a path; each is understood, none is shown. */
export const ALIASES: Readonly<Record<string, string>> = {
  mfa: 'multi-factor',
  multifactor: 'multi-factor',
  pw: 'password',
  ls: 'list',
};

/**
 * Every command that the catalogue's tools declare; parser, help and manifest are made of it. Throws where a
 * command names a field that its tool does not have: the server then does not start.
 */
export function commandRegistry(catalogue: Catalogue): Registry {
  const routes = catalogue.all.flatMap((entry) =>
    entry.tool.command === undefined ? [] : [routeOf(entry, entry.tool.command)],
  );
  const roots = [...new Set(routes.map((route) => route.root))].sort();
  return {
    roots,
    routes,
    under: (root) => routes.filter((route) => route.root === root),
    byTool: (name) => routes.find((route) => route.entry.tool.name === name),
  };
}

function routeOf(entry: CatalogueEntry, command: string): Route {
  const [root = '', ...path] = words(command).split(' ');
  const fields = fieldsOf(entry);
  const named = [...command.matchAll(/[<[]([a-z_]+)[\]>]/g)].map((match) => match[1] ?? '');
  const positional = named.flatMap((name) => {
    const field = fields.find((one) => one.name === name);
    if (field === undefined && name !== 'reason')
      throw new Error(`the command ${command} names ${name}, which ${entry.tool.name} does not take`);
    return field ?? [];
  });
  return { root, path, positional, fields, entry, usage: command };
}
