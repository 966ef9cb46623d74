import type { Tool as WireTool, ToolAnnotations } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { Envelope } from '#engine/approve/envelope.ts';
import type { Catalogue, CatalogueEntry } from '#engine/catalogue.ts';
import { publishedSchema } from '#engine/published.ts';
import { MAX_REASON, takesReason } from '#engine/reason.ts';

/** A tool as MCP offers it. Computed once, so that no request rebuilds schemas. */
export interface Contract {
  readonly entry: CatalogueEntry;
  readonly wire: WireTool;
  /** False for a tool for people only. It is never listed; a call by name gets the engine's denial. */
  readonly offered: boolean;
  /** Its output already is the envelope (`approval_wait`), so it is not wrapped again. */
  readonly isEnvelope: boolean;
}

/** The answer of every tool: the envelope, and what a fault adds to it. */
export const Answer = Envelope.extend({
  problems: z.array(z.object({ field: z.string(), problem: z.string() })).optional(),
  retry_after_seconds: z.number().optional(),
  error_id: z.string().optional(),
});
/** The shape of that answer. */
export type Answer = z.infer<typeof Answer>;

type Schema = Readonly<Record<string, unknown>>;

const UNSENT = new Set(['$schema', 'propertyNames']);

const ANSWER_SCHEMA = toWire(z.toJSONSchema(Answer, { io: 'input' }));

const REASON = {
  type: 'string',
  maxLength: MAX_REASON,
  description: 'Why you make this call, in one sentence. Approvers see it, marked as written by an agent.',
} as const;

/** The contracts by tool name, in the catalogue's order. */
export function contractsOf(catalogue: Catalogue): ReadonlyMap<string, Contract> {
  return new Map(catalogue.all.map((entry) => [entry.tool.name, contractOf(entry)]));
}

function contractOf(entry: CatalogueEntry): Contract {
  const { tool } = entry;
  const input = toWire(entry.inputSchema) as Schema & { properties?: Schema };
  const inputSchema = takesReason(entry)
    ? { ...input, properties: { ...input.properties, reason: REASON } }
    : input;
  const status = (entry.outputSchema['properties'] as Schema | undefined)?.['status'] as
    | { enum?: readonly unknown[] }
    | undefined;
  const isEnvelope = status?.enum?.includes('pending_approval') === true;
  const outputSchema = isEnvelope
    ? ANSWER_SCHEMA
    : {
        ...ANSWER_SCHEMA,
        properties: { ...(ANSWER_SCHEMA['properties'] as Schema), result: toWire(entry.outputSchema) },
      };
  const wire = {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema,
    outputSchema,
    annotations: annotationsOf(tool),
  };
  return {
    entry,
    wire: wire as WireTool,
    offered: tool.only !== 'people',
    isEnvelope,
  };
}

/**
 * Hints for clients that ask before they call (MCP 2026-07-28, server/tools). Nothing here relies on them.
 */
function annotationsOf(tool: CatalogueEntry['tool']): ToolAnnotations {
  const openWorldHint = tool.effects === 'look' || tool.effects === 'act';
  if (tool.effects === 'read' || tool.effects === 'look') {
    return {
      title: tool.title,
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint,
    };
  }
  // "Not destructive" promises that a tool only adds. A tool that interrupts somebody's work does not keep
  // that promise.
  return {
    title: tool.title,
    readOnlyHint: false,
    destructiveHint: tool.danger !== 'mild',
    idempotentHint: false,
    openWorldHint,
  };
}

/**
 * The published schema in the form that MCP clients accept, without what adds nothing: every property name is
 * a string, and `format` describes a time. It has no `$schema`: MCP's default dialect is 2020-12, and the
 * validator of 1.x clients throws on any name but draft-07.
 */
function toWire(schema: unknown): Schema {
  return strip(publishedSchema(schema)) as Schema;
}

function strip(value: unknown, inProperties = false): unknown {
  if (Array.isArray(value)) return value.map((item) => strip(item));
  if (typeof value !== 'object' || value === null) return value;
  const dated = 'format' in value && value.format === 'date-time';
  const members = Object.entries(value).filter(
    ([name]) => inProperties || !(UNSENT.has(name) || (dated && name === 'pattern')),
  );
  return Object.fromEntries(
    members.map(([name, member]) => [name, strip(member, name === 'properties' && !inProperties)]),
  );
}
