import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** SHA-256 of a text or bytes, in lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** Compares two secrets in a time that depends only on their lengths. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}

/** Compares two digests of the same kind, as texts, in a time that depends only on their lengths. */
export function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}

/** What the installation's master key is used for. Each use has its own derived key (HKDF, RFC 5869). */
export interface Secrets {
  /**
   * Encrypts with AES-256-GCM (NIST SP 800-38D) and a random nonce. `about` is authenticated with it,
   * so `unseal` fails with any other `about`.
   */
  readonly seal: (plain: string, about: string) => string;
  /** Decrypts. Throws if the text was changed, or was sealed with another `about` or another key. */
  readonly unseal: (sealed: string, about: string) => string;
  /**
   * HMAC-SHA-256 in hexadecimal: the same for the same text, and reveals nothing about it without the key.
   */
  digest(text: string): string;
}

/**
 * Derives the keys from `masterKey`: 32 bytes in base64 or base64url. Throws RangeError for any other length.
 */
export function openSecrets(masterKey: string): Secrets {
  const master = Buffer.from(masterKey, 'base64');
  if (master.length !== 32)
    throw new RangeError('the master key must be 32 bytes in base64 (openssl rand -base64 32)');
  const sealing = Buffer.from(hkdfSync('sha256', master, '', 'prokura seal v1', 32));
  const digesting = Buffer.from(hkdfSync('sha256', master, '', 'prokura digest v1', 32));
  return {
    seal: (plain, about) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(about));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    unseal: (sealed, about) => {
      const bytes = Buffer.from(sealed.slice('v1.'.length), 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, 12)).setAAD(
        Buffer.from(about),
      );
      decipher.setAuthTag(bytes.subarray(12, 28));
      return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
    },
    digest: (text) => createHmac('sha256', digesting).update(text).digest('hex'),
  };
}
