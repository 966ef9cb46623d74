import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { sha256 } from '#lib/crypto.ts';
import { canonicalJson } from '#lib/json.ts';
import { opened } from './answer-words.ts';
import type { AnyTool } from './tool.ts';

/** A tool with what every interface derives from it, computed once at start. */
export interface CatalogueEntry {
  readonly tool: AnyTool;
  /** The tool's folder: `okta`, `mandate`, … */
  readonly family: string;
  /** JSON Schema 2020-12. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema: Readonly<Record<string, unknown>>;
  /** SHA-256 of name, schemas, effects and scope. An approval is bound to it (law 6). */
  readonly contractDigest: string;
}

/** All tools, sorted by name. */
export interface Catalogue {
  readonly all: readonly CatalogueEntry[];
  get(name: string): CatalogueEntry | undefined;
}

/**
 * Loads every file `tools/<family>/<verb-noun>.ts`; placing a file there registers the tool. Throws an Error
 * if a tool's name does not match its path, if an input field lacks a description, if two tools claim one
 * command, or if a button opens a tool that has no command.
 */
export async function loadCatalogue(folder: URL): Promise<Catalogue> {
  const entries: CatalogueEntry[] = [];
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();
  for (const file of files) {
    const [family = '', base = ''] = file.replace(/\.ts$/, '').split('/');
    const module = (await import(new URL(file, folder).href)) as { default?: AnyTool };
    if (module.default === undefined) throw new Error(`tools/${file} exports no tool`);
    const wanted = `${family}_${base}`.replaceAll('-', '_');
    if (module.default.name !== wanted)
      throw new Error(`tools/${file} must be named ${wanted}, not ${module.default.name}`);
    entries.push(entryOf(module.default, family));
  }
  const commands = entries.flatMap(({ tool }) => (tool.command === undefined ? [] : [words(tool.command)]));
  const twice = commands.find((command, index) => commands.indexOf(command) !== index);
  if (twice !== undefined) throw new Error(`two tools claim the command ${twice}`);
  entries.sort((a, b) => (a.tool.name < b.tool.name ? -1 : 1));
  const byName = new Map(entries.map((one) => [one.tool.name, one]));
  for (const { tool } of entries)
    for (const name of opened(tool))
      if (byName.get(name)?.tool.command === undefined)
        throw new Error(`${tool.name} has a button for ${name}, which no command opens`);
  return { all: entries, get: (name) => byName.get(name) };
}

/** The words of a command without its arguments: `/okta reset password`. */
export const words = (command: string): string => command.replace(/\s*[<[].*$/, '');

function entryOf(tool: AnyTool, family: string): CatalogueEntry {
  const inputSchema = z.toJSONSchema(tool.input, { io: 'input' }) as Record<string, unknown>;
  const outputSchema = z.toJSONSchema(tool.output, { io: 'output' }) as Record<string, unknown>;
  for (const [field, schema] of Object.entries(
    (inputSchema['properties'] ?? {}) as Record<string, { description?: string }>,
  )) {
    if (schema.description === undefined)
      throw new Error(`${tool.name}: the input field ${field} lacks a description`);
  }
  const contract = { name: tool.name, inputSchema, outputSchema, effects: tool.effects, scope: tool.scope };
  return { tool, family, inputSchema, outputSchema, contractDigest: sha256(canonicalJson(contract)) };
}
