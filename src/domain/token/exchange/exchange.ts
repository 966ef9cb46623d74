import { randomUUID } from 'node:crypto';
import { reach } from '#db/reach.ts';
import { Fault } from '#lib/fault.ts';
import { isOutdated } from '../../person/standing.ts';
import { findPeople } from '../../person/store.ts';
import { groupsOf } from '../../group/store.ts';
import { placeOf } from '../../mandate/status-place.ts';
import { assertionReplayed, refuseClient } from '../client/client-assertion.ts';
import type { AuthenticatedClient, ClientAuthenticator } from '../client/client-authenticator.ts';
import { actorsOf, signDelegation } from '../issued/delegation-token.ts';
import { peopleInQuestion, type Coverage } from '../grant/details.ts';
import { readProof, type PresentedRequest, type Proof } from '../client/dpop.ts';
import type { ExchangeRequest } from '../grant/exchange-request.ts';
import {
  authorizationDetails,
  boundsOf,
  delegationClaims,
  grant,
  isBetween,
  type Granted,
} from '../grant/grant.ts';
import { subjectOf, type HotMandate, type MandateReader } from '../grant/hot-mandate.ts';
import { audienceNamed } from '../grant/mcp-address.ts';
import { ACCESS_TOKEN_TYPE, audiencesOf, issuerOf, TOKEN_EXCHANGE } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';
import { oneExchange, subjectReplayed } from '../subject/one-time.ts';
import type { KernelParts } from '../parts.ts';
import { scopesFor } from '../grant/resource.ts';
import type { ConfiguredProviders } from '../subject/providers/configured.ts';
import { audienceFor, oneTarget, keepAllowed } from './audience.ts';
import { refusalEntry, type StrangerCount } from './refusal.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import type { SubjectLimit } from '../subject/subject-limit.ts';
import type { TenantLookup } from '../tenant-lookup.ts';
import type { Presentation, Through } from '../subject/presentation.ts';
import type { PresentationCheck } from '../subject/subject.ts';

/**
 * A successful token response (RFC 8693 section 2.2.1, RFC 6749 section 5.1). It has no refresh token: the
 * agent exchanges again for as long as the mandate lasts.
 */
export interface ExchangeResponse {
  readonly access_token: string;
  /** Only for a token exchange. */
  readonly issued_token_type?: typeof ACCESS_TOKEN_TYPE;
  readonly token_type: 'Bearer' | 'DPoP';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly authorization_details: readonly Record<string, unknown>[];
}

interface ExchangeParts {
  readonly parts: Pick<KernelParts, 'baseUrl' | 'now' | 'read' | 'write' | 'readAgain'>;
  readonly tenants: TenantLookup;
  readonly record: KernelParts['record'];
  readonly strangers: Pick<StrangerCount, 'add'>;
  readonly clients: ClientAuthenticator;
  readonly present: PresentationCheck;
  readonly providers: Pick<ConfiguredProviders, 'of'>;
  readonly readMandate: MandateReader;
  readonly signingKeys: SigningKeys;
  readonly limit: SubjectLimit;
  readonly useProof: (tenantId: string, proof: Proof) => Promise<void>;
}

/**
 * Creates the exchange. In this order it checks the client, the cheap parts of the subject token and its
 * signature. Then one strict read gets the mandate, all that it depends on, and the providers that the
 * subject was checked against; then it decides. The assertion's `jti` is spent in the transaction that writes
 * the ledger entry, so only one of many concurrent uses gets a token. A refusal spends it too. A subject
 * token that is good for one exchange is spent only by a successful exchange.
 *
 * The returned function throws OAuthError for every refusal, Fault `rate_limited` if the subject's share is
 * used up, and Fault `unavailable`. It records every refusal and every issued token.
 */
export function createExchange(
  kernel: ExchangeParts,
): (tenantId: string, request: ExchangeRequest, came?: PresentedRequest | null) => Promise<ExchangeResponse> {
  const { parts, record } = kernel;

  async function issue(
    tenantId: string,
    request: ExchangeRequest,
    client: AuthenticatedClient,
    came: PresentedRequest | null,
  ): Promise<ExchangeResponse> {
    const ours = audiencesOf(parts.baseUrl, tenantId);
    const named = (resources: readonly string[]) =>
      resources.map((resource) => audienceNamed(parts.baseUrl, resource));
    const wanted = oneTarget(named(request.targets));
    if (request.actorToken !== null) await checkActor(tenantId, client, request.actorToken);
    const jkt = came === null || came.proof === null ? null : await proveKey(tenantId, came);
    const first = await kernel.present(tenantId, request, client, jkt);
    const { mandateId, through } = first;
    const stored = await readStanding(tenantId, mandateId, through);
    // From here on, another agent's mandate is treated like a missing one, in the answer and in what is done.
    // Neither reveals that it exists (T17).
    const read = stored?.agent_id === client.agentId ? stored : null;
    const presented =
      read === null || first.trusting === null || first.trusting === read.providers
        ? first
        : await kernel.present(tenantId, request, client, jkt, kernel.providers.of(tenantId, read.providers));
    const { subject } = presented;
    const between = read !== null && isBetween(read, client.agentId, subject) ? read : null;
    // Counted only for the mandate's own agent, so that other agents cannot use up its share.
    if (between !== null) kernel.limit(tenantId, `${client.agentId} ${subjectName(presented)}`);
    const row = between === null ? null : await refresh(tenantId, between, through);
    const servers = row?.resource_servers ?? [];
    const known = [...ours, ...servers.map(({ identifier }) => identifier)];
    // Only agents with a mandate here learn which resource servers exist.
    const audience =
      row === null
        ? ours[0]
        : audienceFor(wanted, keepAllowed(known, subject.audiences && named(subject.audiences)));
    if (row !== null && !(await kernel.clients.stillHolds(tenantId, client, row.agent_epoch))) {
      throw refuseClient(
        'client_key_revoked',
        'The credential that this client authenticated with was revoked. Use a key or a secret that is registered now.',
      );
    }
    const { scopes, details } = request;
    const people = row === null ? [] : peopleInQuestion(boundsOf(row, subject), details);
    const coverage = people.length === 0 ? NOBODY : await readCoverage(tenantId, people);
    const carries = scopesFor(parts.baseUrl, tenantId, audience, servers) ?? (() => false);
    const asking = { agentId: client.agentId, subject, scopes, details, coverage, carries };
    const decided = grant(row, asking, parts.now());
    const granted = decided.mandate.status_index === null ? await givePlace(tenantId, decided) : decided;
    const signer = await kernel.signingKeys.signer(tenantId);
    const frame = {
      tenantId,
      issuer: issuerOf(parts.baseUrl, tenantId),
      audience,
      jti: randomUUID(),
      jkt,
    };
    const scope = granted.scopes.join(' ');
    const entry = {
      event: 'TOKEN_ISSUED' as const,
      actor: `${client.agentId} for ${granted.mandate.person_id}`,
      data: {
        aud: audience,
        by: subject.kind,
        client_id: client.agentId,
        exp: granted.expiresAt,
        jti: frame.jti,
        mandate_id: presented.mandateId,
        scope,
        sub: subjectOf(granted.mandate),
        ...(jkt === null ? {} : { jkt }),
        ...(subject.act === null ? {} : { after: actorsOf(subject.act), derived_from: subject.jtis }),
      },
    };
    const once = oneExchange(granted, subject);
    const used = await record(
      tenantId,
      entry,
      [client.once, once].filter((one) => one !== null),
    );
    if (used !== null) throw used === once?.key ? subjectReplayed(subject) : assertionReplayed();
    return {
      access_token: signDelegation(delegationClaims(granted, subject, frame), signer),
      ...(request.grantType === TOKEN_EXCHANGE ? { issued_token_type: ACCESS_TOKEN_TYPE } : {}),
      token_type: jkt === null ? 'Bearer' : 'DPoP',
      expires_in: granted.expiresAt - granted.issuedAt,
      scope,
      authorization_details: authorizationDetails(granted),
    };
  }

  /**
   * The key that the request proves. Its proof is spent even if the request is refused (RFC 9449 section 5).
   */
  async function proveKey(tenantId: string, came: PresentedRequest): Promise<string> {
    try {
      const proof = readProof(came, null, parts.now().getTime() / 1000);
      await kernel.useProof(tenantId, proof);
      return proof.jkt;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'unauthenticated') throw error;
      throw new OAuthError('invalid_dpop_proof', String(error.detail.reason), error.message);
    }
  }

  /** Gives a mandate that is older than status lists its place, when its first token is issued. */
  async function givePlace(tenantId: string, granted: Granted): Promise<Granted> {
    const { mandate } = granted;
    const place = await reach(parts.write(tenantId, (ctx) => placeOf(ctx, mandate.mandate_id)));
    return { ...granted, mandate: { ...mandate, status_index: place } };
  }

  async function checkActor(tenantId: string, client: AuthenticatedClient, token: string): Promise<void> {
    const own = await kernel.clients.isOwnToken(tenantId, client, token).catch((error: unknown) => {
      if (error instanceof OAuthError) return false;
      throw error;
    });
    if (own) return;
    throw new OAuthError(
      'invalid_request',
      'actor_token',
      'actor_token must be a JWT that the authenticated client signed for this issuer, like its client assertion; or omit it.',
    );
  }

  /**
   * The same mandate. If the directory data about its principal is too old, they are read at the identity
   * provider again, and then the mandate is read again.
   */
  async function refresh(
    tenantId: string,
    row: HotMandate,
    through: Through | null,
  ): Promise<HotMandate | null> {
    if (!isOutdated({ directoryUntil: row.directory_until }, parts.now())) return row;
    await parts.readAgain(tenantId, row.person_id);
    return readStanding(tenantId, row.mandate_id, through);
  }

  /**
   * Reads the mandate, and the one that the subject token comes from, in one statement: both are requested in
   * the same turn of the event loop.
   */
  async function readStanding(
    tenantId: string,
    mandateId: string,
    through: Through | null,
  ): Promise<HotMandate | null> {
    if (through === null) return kernel.readMandate(tenantId, mandateId);
    const [row, before] = await Promise.all([
      kernel.readMandate(tenantId, mandateId),
      kernel.readMandate(tenantId, through.mandateId, through.jtis),
    ]);
    through.check(before);
    return row;
  }

  function readCoverage(tenantId: string, ids: readonly string[]): Promise<Coverage> {
    return reach(
      parts.read(tenantId, async (ctx) => {
        const coverage = new Map<string, { id: string; managerId: string | null; groupIds: string[] }>();
        for (const { id, managerId } of await findPeople(ctx, ids))
          coverage.set(id, { id, managerId, groupIds: await groupsOf(ctx, id) });
        return coverage;
      }),
    );
  }

  return async (tenantId, request, came = null) => {
    if ((await kernel.tenants('tenant', tenantId)) === null)
      throw new OAuthError('invalid_client', 'no_such_tenant', 'Unknown issuer.');
    let client: AuthenticatedClient | null = null;
    try {
      client = await kernel.clients.authenticate(tenantId, request.client);
      return await issue(tenantId, request, client, came);
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal === null) throw error;
      if (client === null) {
        await kernel.strangers.add(tenantId, refusal);
        throw error;
      }
      const { agentId } = client;
      // If the assertion was spent already, the replay is the reason to record, and nothing is left to spend.
      const once = refusal.reason === 'assertion_replayed' ? null : client.once;
      const entry = refusalEntry(refusal, agentId, request.mandateId);
      const used = await record(tenantId, entry, once === null ? [] : [once]);
      if (used === null) throw error;
      const replay = assertionReplayed();
      await record(tenantId, refusalEntry(replay, agentId, request.mandateId));
      throw replay;
    }
  };
}

const NOBODY: Coverage = new Map();

/** The refusal that the ledger records for an error; null if the error is not a refusal. */
function asRefusal(error: unknown): OAuthError | null {
  if (error instanceof OAuthError) return error;
  if (!(error instanceof Fault) || error.code !== 'rate_limited') return null;
  return new OAuthError('temporarily_unavailable', 'subject_rate', error.message);
}

/** The subject that the limit counts: the person, or the mandate if it is its own subject. */
const subjectName = ({ subject: { person }, mandateId }: Presentation): string =>
  person === null ? mandateId : `${person.provider}:${person.uid}`;
