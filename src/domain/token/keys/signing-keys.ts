import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Secrets } from '#lib/crypto.ts';
import { exportPublicJwk, importVerifyKey, thumbprint, type VerifyKey } from '#lib/jwt.ts';
import type { TenantWriter } from '../../context.ts';
import { reach } from '#db/reach.ts';
import type { KernelParts } from '../parts.ts';
import { insertSigningKey, signingKeysOf, type SigningKeyRow } from '../store.ts';

/** The key that a tenant signs with now. */
export interface Signer {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** A public key as the JWKS publishes it (RFC 7517). */
export type PublishedKey = Readonly<Record<string, string>>;

/** The parsed signing keys of all tenants, cached for at most `KEEP_SECONDS`. */
export interface SigningKeys {
  /**
   * The newest key whose time has come. Throws if the tenant has none, which is a fault in how it was set up.
   */
  signer(tenantId: string): Signer | Promise<Signer>;
  /** The public key with this `kid`, or null if the tenant has none or has retired it. */
  verifier(tenantId: string, kid: string): Promise<VerifyKey | null>;
  /** The keys that are not retired, as the JWKS shows them. */
  published(tenantId: string): Promise<PublishedKey[]>;
  /** Forgets all cached keys. */
  flush(): void;
}

interface KeySet {
  readonly readAt: number;
  /** Newest first. `from` is the time from which a key signs, in seconds since 1970. */
  readonly signers: readonly { readonly from: number; signer(): Signer }[];
  readonly verifiers: ReadonlyMap<string, VerifyKey>;
}

/** How long parsed keys are cached, in seconds. */
export const KEEP_SECONDS = 30;
/** How old the cached keys must be before an unknown `kid` makes us read them again. */
const COOLDOWN_SECONDS = 1;
const MAX_TENANTS = 5000;

const sealedAs = (kid: string): string => `signing-key:${kid}`;

/**
 * Creates an ES256 signing key for the tenant and returns its `kid`. The private half is sealed with the
 * installation's key. The key is published at once and signs from `activeFrom` on, or at once if that is
 * null.
 */
export async function createSigningKey(
  ctx: TenantWriter,
  secrets: Pick<Secrets, 'seal'>,
  activeFrom: Date | null = null,
): Promise<string> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key: VerifyKey = { alg: 'ES256', key: pair.publicKey };
  const kid = thumbprint(key);
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  await insertSigningKey(ctx, {
    kid,
    alg: 'ES256',
    publicJwk: exportPublicJwk(key),
    sealedPrivateKey: secrets.seal(pkcs8.toString(), sealedAs(kid)),
    activeFrom,
  });
  return kid;
}

/** Creates the cache of signing keys. At most `MAX_TENANTS` tenants are kept. */
export function createSigningKeys(parts: Pick<KernelParts, 'read' | 'secrets' | 'now'>): SigningKeys {
  const sets = new LRUCache<string, KeySet | Promise<KeySet>>({ max: MAX_TENANTS });
  const seconds = () => parts.now().getTime() / 1000;

  function load(tenantId: string): Promise<KeySet> {
    const loading = reach(parts.read(tenantId, signingKeysOf)).then((rows) =>
      keySet(rows, parts.secrets, seconds()),
    );
    sets.set(tenantId, loading);
    loading.then(
      (set) => sets.get(tenantId) === loading && sets.set(tenantId, set),
      () => sets.get(tenantId) === loading && sets.delete(tenantId),
    );
    return loading;
  }

  const isFresh = (set: KeySet, atMostSeconds: number): boolean => seconds() - set.readAt <= atMostSeconds;

  async function current(tenantId: string, atMostSeconds: number): Promise<KeySet> {
    const kept = sets.get(tenantId);
    if (kept === undefined) return load(tenantId);
    const set = await kept;
    if (isFresh(set, atMostSeconds)) return set;
    const other = sets.get(tenantId);
    // Another caller may have started a read in the meantime.
    return other === undefined || other === kept ? load(tenantId) : other;
  }

  /** Chosen at each use, so that a cached key begins to sign at the exact second. */
  function pickNewest(tenantId: string, { signers }: KeySet): Signer {
    const now = seconds();
    const key = signers.find(({ from }) => from <= now);
    if (key === undefined) throw new Error(`tenant ${tenantId} has no signing key`);
    return key.signer();
  }

  return {
    signer: (tenantId) => {
      const kept = sets.get(tenantId);
      if (kept !== undefined && !(kept instanceof Promise) && isFresh(kept, KEEP_SECONDS))
        return pickNewest(tenantId, kept);
      return current(tenantId, KEEP_SECONDS).then((set) => pickNewest(tenantId, set));
    },
    verifier: async (tenantId, kid) => {
      const known = (await current(tenantId, KEEP_SECONDS)).verifiers.get(kid);
      return known ?? (await current(tenantId, COOLDOWN_SECONDS)).verifiers.get(kid) ?? null;
    },
    published: async (tenantId) => {
      const { verifiers } = await current(tenantId, KEEP_SECONDS);
      return [...verifiers].map(([kid, key]) => ({ ...exportPublicJwk(key), kid, alg: key.alg, use: 'sig' }));
    },
    flush: () => sets.clear(),
  };
}

function keySet(rows: readonly SigningKeyRow[], secrets: Secrets, readAt: number): KeySet {
  const verifiers = new Map<string, VerifyKey>();
  for (const row of rows) {
    const key = importVerifyKey(row.publicJwk);
    if (key?.alg === 'ES256') verifiers.set(row.kid, key);
  }
  const signers = rows.map(({ kid, sealedPrivateKey, activeFrom }) => {
    let parsed: Signer | null = null;
    return {
      from: activeFrom === null ? 0 : activeFrom.getTime() / 1000,
      signer: () =>
        (parsed ??= { kid, privateKey: createPrivateKey(secrets.unseal(sealedPrivateKey, sealedAs(kid))) }),
    };
  });
  return { readAt, signers, verifiers };
}
