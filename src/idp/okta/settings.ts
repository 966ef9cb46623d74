import { isIP } from 'node:net';
import type { JWK } from 'jose';
import { Fault } from '#lib/fault.ts';
import type { Logger } from '#lib/log.ts';
import { isLoopback } from '#lib/url.ts';

/**
 * A credential for an Okta organisation.
 *
 * - `private_key`: an API Services app with `private_key_jwt` (RFC 7523). An RSA key signs with RS256 unless
 *   the JWK's `alg` names another RS* or PS* algorithm; an EC key signs with the algorithm of its curve.
 *   `keyId` overrides the JWK's `kid`. All `scopes` are requested at once, and Okta refuses the request if
 *   one is not granted to the app.
 * - `api_token`: an SSWS token. It has all rights of the administrator who created it, and expires after 30
 *   days without use.
 */
export type OktaCredential =
  | {
      readonly kind: 'private_key';
      readonly clientId: string;
      readonly privateKey: JWK;
      readonly keyId?: string;
      readonly scopes?: readonly string[];
    }
  | { readonly kind: 'api_token'; readonly token: string };

/**
 * What a link to one Okta organisation needs. Nothing is read from the environment or from `okta.yaml` files.
 */
export interface OktaSettings {
  /** `https://acme.okta.com` or a custom domain. Checked by `validateOrgUrl`, with loopback allowed. */
  readonly orgUrl: string;
  readonly credential: OktaCredential;
  /** How long one attempt may take, including its body, in ms. The default is 10,000. */
  readonly requestTimeoutMs?: number;
  /**
   * How long after its start a call for a waiting person may begin another attempt, in ms. The default is
   * 5,000.
   */
  readonly waitBudgetMs?: number;
  readonly log?: Logger;
  /** The time in epoch ms, for the lifetime of tokens and assertions. */
  readonly now?: () => number;
  /** Put before the SDK's own User-Agent, for example `prokura/0.1.0`. */
  readonly userAgentSuffix?: string;
}

/**
 * The scopes that the abilities in `domain/provider.ts` need (management API 2026.06.3, `security` of each
 * operation). Okta has no scope narrower than `okta.users.manage` for lifecycle, factors and passwords.
 */
export const DEFAULT_SCOPES: readonly string[] = [
  'okta.users.read',
  'okta.users.manage',
  'okta.groups.read',
  'okta.roles.read',
];

const ADMIN_HOST = /-admin\.(okta|oktapreview|okta-emea|okta-gov)\.com\.?$|-admin\.okta\.mil\.?$/;

/**
 * The organisation's origin without a trailing slash. Throws Fault `invalid_input` that says what is wrong.
 *
 * Refuses everything but https (http only for a loopback host and with `allowLoopback`), `{yourOktaDomain}`
 * from Okta's documentation, the admin console's host (`acme-admin.okta.com`, whose API answers differ),
 * paths, queries, user names and IP addresses. Does not check whether the host exists or belongs to Okta,
 * since custom domains are allowed.
 */
export function validateOrgUrl(url: string, options: { readonly allowLoopback: boolean }): string {
  const text = url.trim();
  if (/[{}]/.test(text)) throw wrong('still contains the {placeholder} from the documentation');
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null) throw wrong('is not a URL');
  const loopback = isLoopback(parsed);
  if (loopback && !options.allowLoopback) throw wrong('points to this machine');
  if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && loopback))
    throw wrong('must begin with https://');
  if (!loopback && isIP(parsed.hostname.replaceAll(/^\[|\]$/g, '')) !== 0)
    throw wrong('must be a host name, not an IP address');
  if (ADMIN_HOST.test(parsed.hostname)) throw wrong('is the admin console: remove "-admin"');
  if (parsed.username !== '' || parsed.password !== '')
    throw wrong('must not contain a user name or password');
  if (parsed.pathname !== '/' || parsed.search !== '' || parsed.hash !== '')
    throw wrong('must end after the host name');
  return parsed.origin;
}

// The message leaves the address out: somebody may have pasted a token into the field.
const wrong = (what: string): Fault =>
  new Fault('invalid_input', `The Okta organisation URL ${what}. Example: https://acme.okta.com.`, {
    detail: { field: 'orgUrl', reason: what },
  });
