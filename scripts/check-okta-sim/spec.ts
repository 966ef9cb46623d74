import { readFile } from 'node:fs/promises';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { parse } from 'yaml';
import { documentedBreaks, isSchemaFault, signature } from './examples.ts';
import { componentDefs, convert, isJson, type Direction, type Json } from './schema.ts';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** One operation of the OpenAPI description, found for a request. */
export interface Operation {
  /** `GET /api/v1/users/{id}` */
  readonly name: string;
  readonly operationId: string;
  readonly segments: readonly string[];
  readonly definition: Json;
  readonly parameters: readonly Json[];
}

/** A request and its answer as they were sent. Bodies are raw text; header names are in lower case. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestBody: string;
  /** Null if the connection broke before an answer. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly responseBody: string;
}

/** Okta's management API as validators. */
export interface OktaSpec {
  /** The operation of a request, or undefined if Okta has none. Literal segments win over parameters. */
  match(method: string, path: string): Operation | undefined;
  /**
   * What is wrong with the request's parameters and body. Does not check header and path parameters against
   * their schemas.
   */
  requestProblems(operation: Operation, exchange: Exchange): string[];
  /**
   * What is wrong with the answer: status, content, body, and Okta's headers for rate limits and request id.
   */
  responseProblems(operation: Operation, exchange: Exchange): string[];
}

/**
 * Reads Okta's OpenAPI document (3.0, YAML) and prepares its validators. Schemas are compiled on first use.
 */
export async function loadOktaSpec(file: string): Promise<OktaSpec> {
  const document = parse(await readFile(file, 'utf8'), { maxAliasCount: -1 }) as Json;
  const resolve = (value: unknown): Json => {
    if (!isJson(value)) return {};
    const { $ref } = value;
    if (typeof $ref !== 'string') return value;
    return resolve(
      $ref
        .slice(2)
        .split('/')
        .reduce<unknown>(
          (at, key) => (isJson(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined),
          document,
        ),
    );
  };
  const operations = operationsOf(document, resolve);
  const schemas = resolve(resolve(document['components'])['schemas']);
  const validators = { request: compiler(schemas, 'request'), response: compiler(schemas, 'response') };
  return {
    match: (method, path) => bestMatch(operations, method, path),
    requestProblems: (operation, exchange) => [
      ...queryProblems(operation, exchange.query, validators.request, resolve),
      ...requestBodyProblems(operation, exchange.requestBody, validators.request, resolve),
    ],
    responseProblems: (operation, exchange) =>
      responseProblems(operation, exchange, validators.response, resolve),
  };
}

type Resolve = (value: unknown) => Json;
/**
 * In what an operation's answer may break the schema: as its examples do, or where the schema is known to be
 * wrong.
 */
interface Leniency {
  readonly operationId: string;
  readonly examples: readonly unknown[];
}

/** Returns the errors of a value against a schema. */
type Check = (schema: unknown, value: unknown, leniency?: Leniency) => string[];

function operationsOf(document: Json, resolve: Resolve): Operation[] {
  return Object.entries(resolve(document['paths'])).flatMap(([path, item]) => {
    const shared = resolve(item);
    return METHODS.filter((method) => isJson(shared[method])).map((method) => {
      const definition = shared[method] as Json;
      const parameters = [shared['parameters'], definition['parameters']].flatMap((list) =>
        Array.isArray(list) ? list.map(resolve) : [],
      );
      return {
        name: `${method.toUpperCase()} ${path}`,
        operationId: String(definition['operationId']),
        segments: path.split('/'),
        definition,
        parameters,
      };
    });
  });
}

function bestMatch(operations: readonly Operation[], method: string, path: string): Operation | undefined {
  const wanted = path.split('/');
  const fits = operations.filter(
    (each) =>
      each.name.startsWith(`${method} `) &&
      each.segments.length === wanted.length &&
      each.segments.every((segment, at) => segment.startsWith('{') || segment === wanted[at]),
  );
  const literals = (each: Operation): number =>
    each.segments.filter((segment) => !segment.startsWith('{')).length;
  return fits.sort((one, other) => literals(other) - literals(one))[0];
}

/** A validator for the schemas of one direction. Compiles each schema object once. */
function compiler(schemas: Json, direction: Direction): Check {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    verbose: true,
    logger: false,
    unicodeRegExp: false,
    coerceTypes: false,
  });
  ajvFormats.default(ajv);
  ajv.addSchema({ $id: 'okta', $defs: componentDefs(schemas, direction) });
  const compiled = new Map<unknown, ValidateFunction>();
  const errorsOf = (schema: unknown, value: unknown): readonly ErrorObject[] => {
    let validate = compiled.get(schema);
    if (validate === undefined) {
      const converted = JSON.stringify(convert(schema as Json, schemas, direction)).replaceAll(
        '"#/$defs/',
        '"okta#/$defs/',
      );
      validate = ajv.compile(JSON.parse(converted) as Record<string, unknown>);
      compiled.set(schema, validate);
    }
    return validate(value) ? [] : (validate.errors ?? []);
  };
  return (schema, value, leniency = { operationId: '', examples: [] }) => {
    const errors = errorsOf(schema, value);
    if (errors.length === 0) return [];
    const documented = documentedBreaks(leniency.examples, (example) => errorsOf(schema, example));
    return explained(
      errors.filter(
        (error) => !documented.has(signature(error)) && !isSchemaFault(leniency.operationId, error),
      ),
    );
  };
}

/** Drops the errors of `if`, which only say that a branch failed; the branch itself says why. */
const explained = (errors: readonly ErrorObject[]): string[] =>
  errors
    .filter((error) => error.keyword !== 'if')
    .map(
      (error) =>
        `${error.instancePath === '' ? '(body)' : error.instancePath} ${error.message ?? ''}${error.keyword === 'enum' ? ` ${JSON.stringify(error.params['allowedValues'])}` : ''}`,
    );

function queryProblems(
  operation: Operation,
  query: URLSearchParams,
  check: Check,
  resolve: Resolve,
): string[] {
  const known = operation.parameters.filter((each) => each['in'] === 'query');
  const missing = known.filter((each) => each['required'] === true && !query.has(String(each['name'])));
  const unknown = [...new Set(query.keys())].filter((name) => !known.some((each) => each['name'] === name));
  const wrong = known.flatMap((each) => {
    const text = query.get(String(each['name']));
    if (text === null || !isJson(each['schema'])) return [];
    return check(each['schema'], typed(text, resolve(each['schema'])['type'])).map(
      (problem) => `query ${String(each['name'])}: ${problem}`,
    );
  });
  return [
    ...missing.map((each) => `required query parameter ${String(each['name'])} is missing`),
    ...unknown.map((name) => `unknown query parameter ${name}`),
    ...wrong,
  ];
}

/** A query value in the type of its schema, or as text if it does not have that type. */
function typed(text: string, type: unknown): unknown {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if ((type === 'integer' || type === 'number') && text !== '' && !Number.isNaN(Number(text)))
    return Number(text);
  return type === 'array' ? text.split(',') : text;
}

function requestBodyProblems(operation: Operation, text: string, check: Check, resolve: Resolve): string[] {
  const { requestBody } = operation.definition;
  if (requestBody === undefined)
    return text === '' || text === '{}' ? [] : ['the operation takes no request body'];
  const definition = resolve(requestBody);
  if (text === '') return definition['required'] === true ? ['the request body is missing'] : [];
  const schema = resolve(resolve(definition['content'])['application/json'])['schema'];
  const value = parsed(text);
  if (value === undefined) return ['the request body is not JSON'];
  return schema === undefined ? [] : check(schema, value).map((problem) => `request body: ${problem}`);
}

function responseProblems(
  operation: Operation,
  exchange: Exchange,
  check: Check,
  resolve: Resolve,
): string[] {
  if (exchange.status === null) return [];
  const problems = ['x-rate-limit-limit', 'x-rate-limit-remaining', 'x-rate-limit-reset', 'x-okta-request-id']
    .filter((name) => exchange.headers[name] === undefined)
    .map((name) => `answer has no header ${name}`);
  const answer = resolve(operation.definition['responses'])[String(exchange.status)];
  const content = resolve(resolve(answer)['content']);
  const schema = resolve(content['application/json'])['schema'];
  if (answer === undefined) return [...problems, ...undocumented(exchange, check)];
  // Okta's gateway answers a missing scope with an empty body, which the description does not mention.
  if (
    exchange.status === 403 &&
    exchange.responseBody === '' &&
    exchange.headers['www-authenticate']?.includes('insufficient_scope') === true
  )
    return problems;
  if (schema === undefined)
    return ['', '{}'].includes(exchange.responseBody)
      ? problems
      : [...problems, `answer ${exchange.status} has a body, and the operation documents none`];
  const value = parsed(exchange.responseBody);
  if (value === undefined) return [...problems, `answer ${exchange.status} is not JSON`];
  const examples = Object.values(resolve(resolve(content['application/json'])['examples'])).map(
    (example) => resolve(example)['value'],
  );
  return [
    ...problems,
    ...check(schema, value, { operationId: operation.operationId, examples }).map(
      (problem) => `answer ${exchange.status}: ${problem}`,
    ),
  ];
}

/**
 * Every operation may answer 400, 401, 403, 404, 405, 429, 500 and 503 in Okta's error form, documented or
 * not. Any other status is wrong.
 */
function undocumented(exchange: Exchange, check: Check): string[] {
  const { status } = exchange;
  if (status === null || ![400, 401, 403, 404, 405, 429, 500, 503].includes(status))
    return [`answer ${status} is not documented for the operation`];
  const value = parsed(exchange.responseBody);
  if (!isJson(value) || typeof value['errorCode'] !== 'string')
    return [`answer ${status} is not an Okta error`];
  return check({ $ref: '#/components/schemas/Error' }, value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
