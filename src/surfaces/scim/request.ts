import type { Provisioner } from '#domain/person/provisioner.ts';
import type { ApiKey } from '#domain/tenant/api-key.ts';
import { sourcesOf } from '#domain/tenant/linked-sources.ts';
import type { TenantSettings } from '#domain/tenant/settings.ts';
import type { App } from '#engine/app.ts';
import { httpFault } from './faults.ts';
import type { Resource } from './value.ts';

/** What the SCIM interface uses of the App. */
export type ScimApp = Pick<App, 'baseUrl' | 'apiKey' | 'log' | 'now' | 'database' | 'queue' | 'subscribers'>;

/** An authenticated SCIM request. `base` is the public URL through which it came: the base or its alias. */
export interface ScimRequest {
  readonly app: ScimApp;
  readonly key: ApiKey;
  /** The provider of the connection, in lower case. */
  readonly source: string;
  readonly base: string;
  readonly query: URLSearchParams;
  readonly request: Request;
}

/** A response in `application/scim+json`, the type of every answer (RFC 7644 section 3.1). */
export function scimResponse(
  status: number,
  resource: Resource,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(resource), {
    status,
    headers: { 'content-type': 'application/scim+json; charset=utf-8', ...headers },
  });
}

/**
 * Throws Fault 412 if `If-Match` does not include this version (RFC 9110 section 13.1.1; compared weakly, as
 * in RFC 7644 section 3.14).
 */
export function requireVersion(request: Request, version: string): void {
  const wanted = request.headers.get('if-match');
  if (wanted !== null && !names(wanted, version))
    throw httpFault(412, 'The user has changed since you read it. Read it again.');
}

/** Whether `If-None-Match` includes this version, so the client already has it. */
export function hasVersion(request: Request, version: string): boolean {
  const held = request.headers.get('if-none-match');
  return held !== null && names(held, version);
}

const bare = (tag: string): string => tag.trim().replace(/^W\//, '');
const names = (header: string, version: string): boolean =>
  header.trim() === '*' || header.split(',').some((tag) => bare(tag) === bare(version));

/**
 * The source for which the request speaks, the sources whose people it may write, and what the tenant chose
 * for deactivation.
 */
export const provisionerOf = (asked: ScimRequest, settings: TenantSettings): Provisioner => ({
  source: asked.source,
  sources: sourcesOf(settings, asked.source),
  onDeactivate: settings.onDeactivate,
});
