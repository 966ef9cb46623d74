import type { z } from 'zod';
import type { KEY_SCOPES } from '#domain/tenant/api-key.ts';
import type { App } from '#engine/app.ts';
import type { Catalogue } from '#engine/catalogue.ts';
import type { Caller, Kernel } from './authenticate.ts';
import { parsed } from './body.ts';
import { json, type Json } from './openapi-parts.ts';

/** The names in a path: `id` in `/v1/calls/{id}`. */
type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamsOf<Rest>
  : never;

/**
 * Who may use a route. `anybody`: no credential is read. `caller`: every credential; the handler decides, or
 * the tool that it calls. `admin`: an API key with the scope `admin` of the organisation `{tenantId}`.
 * `{ key }`: an API key with that scope.
 */
export type Who = 'anybody' | 'caller' | 'admin' | { readonly key: (typeof KEY_SCOPES)[number] };
type WhoOf<Path extends string> = 'tenantId' extends ParamsOf<Path> ? Who : Exclude<Who, 'admin'>;

/** Refers to a named schema of the document, or contains the schema. */
type Named = (schema: z.ZodType) => Json;

/** What a request body is: how it is parsed, and how the OpenAPI document describes it. */
export interface Body<T> {
  readonly required: boolean;
  /** Throws Fault `invalid_input`. */
  parse(body: Record<string, unknown>): T;
  content(named: Named): Json;
}

/** The success of a route. The type parameter is what its handler returns. */
export interface Answer<T> {
  readonly status: 200 | 201 | 204;
  readonly description: string;
  content?(named: Named): Json;
  /** Never set: it only carries the type. */
  readonly returns?: T;
}

/** How long the client waits for an outcome. */
export interface Patience {
  /** What it asked for (`Prefer: wait=N`), in ms. Null if it does not say. */
  readonly waitMs: number | null;
  /** Ends when the client goes away. */
  readonly signal: AbortSignal;
}

/** What a handler gets. A name that the path lacks does not compile. */
export interface Asked<Path extends string, W extends Who, Query, B> {
  readonly app: App;
  readonly kernel: Kernel;
  readonly request: Request;
  readonly caller: W extends 'anybody' ? null : Caller;
  readonly params: Readonly<Record<ParamsOf<Path>, string>>;
  readonly query: Query;
  readonly body: B;
  readonly patience: Patience;
  /** The OpenAPI document as JSON. */
  readonly openApi: string;
}

interface Handled<Path extends string, W extends Who, Query, B, T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: Path;
  readonly who: W;
  /** What it returns is sent as JSON with the status of `answer`; a Response is sent as it is. */
  handle(asked: Asked<Path, W, Query, B>): Promise<Response | T>;
}

interface Described<Path extends string, W extends Who, Q extends z.ZodObject, B, T> extends Handled<
  Path,
  W,
  z.infer<Q>,
  B,
  T
> {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly query?: Q;
  readonly body?: Body<B>;
  readonly answer: Answer<T>;
  /** It takes `Prefer: wait=N`. If it changes something, it may answer 202. */
  readonly waits?: true;
  /**
   * It takes an `Idempotency-Key`. `call`: the tool's call is found again by it. `answer`: the first answer
   * is stored, sealed, and the handler's caller has no key.
   */
  readonly once?: 'call' | 'answer';
  /** Refusals that follow from nothing else in this row. */
  readonly refusals?: readonly (404 | 409)[];
}

/** A route whose description in the OpenAPI document follows from tools, or that has none. */
interface Derived<Path extends string, W extends Who> extends Handled<Path, W, undefined, undefined, object> {
  /** The paths in the document. */
  paths(catalogue: Catalogue): Json;
}

/** A route without its own types: `route` and `derivedRoute` have checked them. */
export type Route = DescribedRoute | Derived<string, Who>;
/** A route that describes itself. */
export type DescribedRoute = Described<string, Who, z.ZodObject, unknown, unknown>;

/** One row of the table of routes (`routes.ts`). Everything about the route follows from it. */
export const route = <
  const Path extends string,
  const W extends WhoOf<Path>,
  T = undefined,
  Q extends z.ZodObject = never,
  B = undefined,
>(
  row: Described<Path, W, Q, B, T>,
): Route => row;

/** The same for a route whose description follows from tools. */
export const derivedRoute = <const Path extends string, const W extends WhoOf<Path>>(
  row: Derived<Path, W>,
): Route => row;

/** A body that the schema parses and describes. */
export const bodyOf = <S extends z.ZodType>(schema: S): Body<z.infer<S>> => ({
  required: true,
  parse: (body) => parsed(schema, body),
  content: (named) => json(named(schema)),
});

/** One thing, as the schema describes it. */
export const answerOf = <S extends z.ZodType>(
  schema: S,
  status: 200 | 201 = 200,
  description = 'The response.',
): Answer<z.input<S>> => ({ status, description, content: (named) => json(named(schema)) });

/** One page of a list. */
export const pageOf = <const Member extends string, S extends z.ZodType>(
  member: Member,
  schema: S,
): Answer<{ readonly [M in Member]: readonly z.input<S>[] } & { readonly next_cursor: string | null }> => ({
  status: 200,
  description: 'The response.',
  content: (named) =>
    json({
      type: 'object',
      required: [member, 'next_cursor'],
      properties: {
        [member]: { type: 'array', items: named(schema) },
        next_cursor: { type: ['string', 'null'] },
      },
    }),
});

/** Success without a body. */
export const done = (description: string): Answer<undefined> => ({ status: 204, description });
