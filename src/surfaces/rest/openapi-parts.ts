import { z } from 'zod';
import { publishedSchema } from '#engine/published.ts';

/** A part of the document. */
export type Json = Readonly<Record<string, unknown>>;

/** A reference to a component (openapi-components.ts). `kind` is `schemas`, `responses` or `parameters`. */
export const ref = (name: string, kind = 'schemas'): Json => ({ $ref: `#/components/${kind}/${name}` });
/** The content of a JSON body. */
export const json = (schema: Json): Json => ({ 'application/json': { schema } });
/** A schema as the document contains it. */
export const schemaOf = (schema: z.ZodType): Json => strip(z.toJSONSchema(schema, { io: 'input' }));

/** A schema as it is published, without `$schema`, which OpenAPI states once for the whole document. */
export function strip(value: unknown): Json {
  return JSON.parse(JSON.stringify(publishedSchema(value)), (name, member: unknown) =>
    name === '$schema' ? undefined : member,
  ) as Json;
}

/** A body of problem details (RFC 9457). */
export const PROBLEM = { content: { 'application/problem+json': { schema: ref('Problem') } } };

/** The header of every operation that changes something. */
export const ONCE = ref('Once', 'parameters');

/** The parameters of a query, each with its description. */
export function queryParameters(schema: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = strip(z.toJSONSchema(schema)) as {
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: 'query',
    required: required.includes(name) && !('default' in rest),
    description,
    schema: rest,
  }));
}
