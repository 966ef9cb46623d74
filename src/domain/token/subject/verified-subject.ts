import { reach } from '#db/reach.ts';
import { Fault } from '#lib/fault.ts';
import type { RemoteKeys } from '#lib/jwks.ts';
import { findPersonByUid } from '../../person/store.ts';
import { standingOf } from '../../person/standing.ts';
import { theTenant } from '../../tenant/store.ts';
import { checkPossession, type PresentedRequest, type Proof } from '../client/dpop.ts';
import { fromBefore, isFromBefore } from '../logout/logged-out.ts';
import type { KernelParts } from '../parts.ts';
import type { Configured, ConfiguredProviders } from './providers/configured.ts';
import { tryToken, type TokenTrial } from './providers/explain.ts';
import type { ProvedSubject } from './subject-token.ts';

/** A person who presented an access token of their provider and is in good standing now. */
export interface VerifiedSubject extends ProvedSubject {
  readonly personId: string;
}

interface SubjectCheckParts {
  readonly parts: Pick<KernelParts, 'now' | 'read'>;
  readonly remoteKeys: RemoteKeys;
  readonly providers: Pick<ConfiguredProviders, 'now'>;
  readonly prove: (token: string, trusted: Configured) => Promise<ProvedSubject>;
  readonly useProof: (tenantId: string, proof: Proof) => Promise<void>;
}

/** Finds the person of a provider's access token and their standing. */
export interface SubjectCheck {
  /** Throws Fault `unauthenticated` if the token or its person is refused (`TokenKernel.verifySubject`). */
  verify(tenantId: string, token: string, came?: PresentedRequest | null): Promise<VerifiedSubject>;
  /** Reports every check instead of throwing (`TokenKernel.tryToken`). */
  tryToken(tenantId: string, token: string): Promise<TokenTrial>;
}

const FROZEN = 'This organisation is frozen. An IT admin can lift the freeze.';

/** Creates the check of people who present an access token of their provider. */
export function createSubjectCheck({
  parts,
  remoteKeys,
  providers,
  prove,
  useProof,
}: SubjectCheckParts): SubjectCheck {
  return {
    verify: async (tenantId, token, came = null) => {
      const proved = await prove(token, await providers.now(tenantId));
      const proof = checkPossession(token, proved.boundTo, came, parts.now().getTime() / 1000);
      if (proof !== null) await useProof(tenantId, proof);
      const [tenant, person] = await reach(
        parts.read(
          tenantId,
          async (ctx) =>
            [await theTenant(ctx), await findPersonByUid(ctx, proved.provider, proved.uid)] as const,
        ),
      );
      if (tenant.status !== 'active') {
        throw new Fault('unauthenticated', FROZEN, {
          detail: { reason: 'tenant_frozen' },
        });
      }
      if (person === null) {
        throw new Fault(
          'unauthenticated',
          'The person of this token is not in the directory. An administrator can import them.',
          {
            detail: { reason: 'person_unknown' },
          },
        );
      }
      const why = standingOf(person);
      if (why !== null) throw new Fault('unauthenticated', why.message, { detail: { reason: why.code } });
      if (isFromBefore(proved.issuedAt, person.tokensNotBefore)) throw fromBefore();
      return { ...proved, personId: person.id };
    },
    tryToken: async (tenantId, token) =>
      tryToken(token, {
        configured: (await providers.now(tenantId)).list,
        keys: remoteKeys,
        now: parts.now().getTime() / 1000,
        lookUp: (provider, uid, issuedAt) =>
          reach(
            parts.read(tenantId, async (ctx) => {
              const person = await findPersonByUid(ctx, provider, uid);
              if (person === null) return null;
              const { status } = await theTenant(ctx);
              const frozen = status === 'active' ? null : FROZEN;
              const before = isFromBefore(issuedAt, person.tokensNotBefore) ? fromBefore().message : null;
              return { id: person.id, refusal: frozen ?? standingOf(person)?.message ?? before };
            }),
          ),
      }),
  };
}
