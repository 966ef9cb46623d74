import { createRemoteJWKSet, jwtVerify, type JWK, type JWTPayload } from 'jose';
import { errors, Provider } from 'oidc-provider';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const LIFE_SECONDS = 300;

/** What a peer reads of a mandate, in one statement. */
export interface PeerMandate {
  readonly agentId: string;
  readonly subject: string;
  /** Whether mandate, person, agent and organisation all allow its use now. */
  readonly usable: boolean;
  readonly scopes: readonly string[];
  readonly ceiling: readonly string[];
  readonly authority: readonly string[];
  readonly resources: readonly string[];
  readonly expiresAt: Date;
  /** How often tenant, person, agent and mandate were changed. The token carries these numbers. */
  readonly epoch: readonly number[];
  /** The mandate's place in the status lists. Null if it has none. */
  readonly place: number | null;
}

/** What the peer works with. */
export interface PeerParts {
  /** The token endpoint is `/oauth2/token` below it, whatever host serves it. */
  readonly issuer: string;
  /** The audiences that a token may have. The first is the default. */
  readonly audiences: readonly [string, ...string[]];
  readonly client: { readonly id: string; readonly secret: string };
  readonly idp: { readonly issuer: string; readonly jwksUri: string; readonly audience: string };
  /** A private EC key on P-256 with a `kid`. */
  readonly signingKey: JWK;
  read(mandateId: string): Promise<PeerMandate | null>;
  readonly tenantId: string;
  /** How many places a status list has. */
  readonly listPlaces: number;
  /** Writes the entry of an issued token before the token is handed out. */
  record(claims: Readonly<Record<string, unknown>>): Promise<void>;
}

interface Params {
  readonly subject_token?: string;
  readonly subject_token_type?: string;
  readonly requested_token_type?: string;
  readonly actor_token?: string;
  readonly actor_token_type?: string;
  readonly mandate_id?: string;
  readonly scope?: string;
  readonly audience?: string | string[];
  readonly resource?: string | string[];
}

const PARAMS = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'actor_token',
  'actor_token_type',
  'mandate_id',
  'scope',
  'audience',
  'resource',
] as const satisfies readonly (keyof Params)[];

/**
 * The same exchange as a custom grant of `oidc-provider` with `jose`, as its documentation shows: a second
 * implementation that shares no code with ours. It supports only the plain exchange (the provider's token, a
 * client secret, no chains, no requested constraints), with which both are measured and compared. For
 * benchmarks and tests only.
 */
export function createPeer(parts: PeerParts): Provider {
  const { client, idp, issuer, signingKey } = parts;
  const keys = createRemoteJWKSet(new URL(idp.jwksUri));
  const extra = new WeakMap<object, Record<string, unknown>>();

  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: [EXCHANGE],
        response_types: [],
        redirect_uris: [],
      },
    ],
    jwks: { keys: [{ ...signingKey, alg: 'ES256', use: 'sig' }] },
    routes: { token: `${new URL(issuer).pathname}/oauth2/token` },
    clientAuthMethods: ['client_secret_post', 'client_secret_basic', 'none'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    features: { devInteractions: { enabled: false }, resourceIndicators: { enabled: true } },
    extraTokenClaims: (_ctx, token) => extra.get(token),
  });

  async function prove(token: string): Promise<string> {
    let payload: JWTPayload;
    try {
      const { payload: claims, protectedHeader } = await jwtVerify(token, keys, {
        issuer: idp.issuer,
        algorithms: ['RS256'],
        clockTolerance: 5,
        requiredClaims: ['iss', 'aud', 'exp', 'iat'],
      });
      if (![undefined, 'JWT', 'at+jwt', 'application/at+jwt'].includes(protectedHeader.typ))
        throw new Error('typ');
      if (protectedHeader.kid === undefined) throw new Error('kid');
      payload = claims;
    } catch {
      throw new errors.InvalidRequest('the subject token is not acceptable');
    }
    const { uid, cid, scp, aud, iat = 0 } = payload;
    const single = Array.isArray(aud) ? aud.length === 1 && aud[0] === idp.audience : aud === idp.audience;
    const whole =
      typeof uid === 'string' &&
      /^[\x21-\x7e]{1,255}$/.test(uid) &&
      typeof cid === 'string' &&
      Array.isArray(scp) &&
      (scp.includes('delegation:exchange') || scp.includes('delegation:create'));
    const other = ['nonce', 'at_hash', 'c_hash', 'events'].some((name) => name in payload);
    if (!single || !whole || other || iat > Date.now() / 1000 + 5)
      throw new errors.InvalidRequest('the subject token is not acceptable');
    return `oidc:okta:${uid}`;
  }

  provider.registerGrantType<Params>(
    EXCHANGE,
    async (ctx) => {
      const { params, client: asking } = ctx.oidc;
      const { subject_token: token, subject_token_type: type, mandate_id: mandateId } = params;
      const requested = params.requested_token_type;
      if (requested !== undefined && requested !== ACCESS_TOKEN)
        throw new errors.InvalidRequest('requested_token_type');
      if (token === undefined || (type !== ACCESS_TOKEN && type !== JWT_TYPE))
        throw new errors.InvalidRequest('subject_token');
      // It cannot verify an actor token.
      if (params.actor_token !== undefined || params.actor_token_type !== undefined)
        throw new errors.InvalidRequest('actor_token');
      if (mandateId === undefined || !/^mdt_[0-9a-z]{26}$/.test(mandateId))
        throw new errors.InvalidRequest('mandate_id');
      const scopes = params.scope?.split(' ');
      if (scopes?.some((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) === true)
        throw new errors.InvalidScope('scope is malformed', params.scope ?? '');
      const targets = new Set([params.audience ?? [], params.resource ?? []].flat());
      const [audience = parts.audiences[0], another] = targets;
      if (another !== undefined || !parts.audiences.includes(audience)) throw new errors.InvalidTarget();

      const subject = await prove(token);
      const mandate = await parts.read(mandateId);
      if (mandate === null || mandate.agentId !== asking.clientId || mandate.subject !== subject)
        throw new errors.InvalidGrant('no such mandate');
      if (!mandate.usable) throw new errors.InvalidGrant('the mandate cannot be used');
      const granted = [...new Set(scopes ?? mandate.scopes)];
      const bounds = [mandate.scopes, mandate.ceiling, mandate.authority];
      if (!granted.every((scope) => bounds.every((bound) => bound.includes(scope))))
        throw new errors.InvalidScope('beyond the mandate', granted.join(' '));

      const now = Math.floor(Date.now() / 1000);
      const details = [{ type: 'urn:prokura:mandate', mandate_id: mandateId, resources: mandate.resources }];
      const act = { sub: asking.clientId, iss: issuer, sub_profile: 'ai_agent' };
      const { epoch, place } = mandate;
      const list = place === null ? null : Math.floor(place / parts.listPlaces);
      const claims = {
        act,
        mandate_id: mandateId,
        tenant: parts.tenantId,
        epoch,
        ...(place === null
          ? {}
          : {
              status: {
                status_list: { idx: place % parts.listPlaces, uri: `${issuer}/oauth2/status/${list}` },
              },
            }),
      };
      const scope = granted.join(' ');
      const issued = new provider.AccessToken({
        accountId: subject,
        client: asking,
        scope,
        expiresIn: Math.min(LIFE_SECONDS, Math.floor(mandate.expiresAt.getTime() / 1000) - now),
        gty: EXCHANGE,
        rar: details,
        // There is no grant behind it.
        grantId: '',
      });
      issued.resourceServer = new provider.ResourceServer(audience, {
        scope,
        audience,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      });
      extra.set(issued, claims);
      await parts.record({ act, mandate_id: mandateId, sub: subject, scope, aud: audience });
      const accessToken = await issued.save();
      ctx.body = {
        access_token: accessToken,
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: issued.expiration,
        scope,
        authorization_details: details,
      };
    },
    PARAMS,
    ['audience', 'resource'],
  );
  return provider;
}
