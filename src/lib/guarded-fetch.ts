import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';

/** The part of `fetch` that is needed to read a document. */
export type ReadDocument = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<Response>;

/**
 * Special-use ranges of RFC 6890 and its updates. An address that a customer enters must never lead there.
 */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
/**
 * In IPv6, only global unicast can be public (RFC 4291 section 2.4). These parts of it are not
 * public, or lead into IPv4.
 */
const SPECIAL_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, 'ipv6');
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address can belong to a server on the public internet. False for any other text. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

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
    const own = (options.loopback && LOOPBACK.has(url.hostname)) || origins.has(url.origin);
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
