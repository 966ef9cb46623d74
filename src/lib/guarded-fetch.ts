import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { isLoopback } from './url.ts';

/** The part of `fetch` that is needed to read a document. */
export type ReadDocument = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<Response>;

// In IPv6, only global unicast can be public (RFC 4291 section 2.4). The second part of it is for
// documentation (RFC 9637), which ipaddr.js does not know.
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
const DOCUMENTATION = ipaddr.IPv6.parseCIDR('3fff::/20');

/**
 * Whether an IP address can belong to a server on the public internet: it is in none of the special-use
 * ranges of RFC 6890 and its updates. An address that a customer enters must never lead there. False for any
 * other text, and for an address with a zone.
 */
export function isPublicAddress(address: string): boolean {
  // ipaddr.js also reads octal and short forms, which others read differently.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || (parsed.match(GLOBAL_UNICAST) && !parsed.match(DOCUMENTATION));
}

/**
 * Creates a GET for addresses that customers enter: https at public addresses only, without following
 * redirects. The name is resolved once, and the connection goes to the address that was checked, so a
 * second DNS answer cannot lead elsewhere (rebinding). With `loopback`, for a sandbox, http and https
 * on loopback are allowed too. Origins in `trusted`, which the operator configured, may be at any
 * address: an own domain may lead to an internal proxy. Throws TypeError for an address that is not
 * allowed, and Node's error if the request fails. Does not limit the size of the answer.
 */
export function createGuardedFetch(options: {
  loopback: boolean;
  /** Addresses whose origins are not restricted. */
  trusted?: readonly string[];
}): ReadDocument {
  const origins = new Set((options.trusted ?? []).map((address) => new URL(address).origin));
  return async (text, init) => {
    const url = new URL(text);
    const own = (options.loopback && isLoopback(url)) || origins.has(url.origin);
    if (!own && url.protocol !== 'https:') throw new TypeError('the URL must be https');
    if (url.username !== '' || url.password !== '')
      throw new TypeError('the URL must not contain credentials');
    const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (!own && isIP(literal) !== 0 && !isPublicAddress(literal))
      throw new TypeError('the address is not public');
    const send = url.protocol === 'https:' ? secureRequest : plainRequest;
    return new Promise<Response>((answered, failed) => {
      const request = send(
        url,
        {
          headers: init.headers,
          signal: init.signal,
          agent: false,
          ...(own ? {} : { lookup: publicLookup }),
        },
        (response) => {
          const body = Readable.toWeb(response) as ReadableStream<Uint8Array>;
          const status = response.statusCode ?? 500;
          const bodiless = status === 204 || status === 205 || status === 304;
          if (bodiless) response.resume();
          answered(new Response(bodiless ? null : body, { status: Math.max(200, status) }));
        },
      );
      request.on('error', failed);
      request.end();
    });
  };
}

const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const refused = addresses?.find(({ address }) => !isPublicAddress(address));
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) callback(error ?? new Error('no address'), '', 0);
    else if (refused !== undefined)
      callback(new TypeError(`${hostname} does not have a public address`), '', 0);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
