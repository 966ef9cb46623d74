import { errors, Provider } from 'oidc-provider';
import type { TenantReader, TenantWriter } from '#domain/context.ts';
import { endGrant, findSignInRow, saveSignInRow, spendSignInRow } from '#domain/sign-in/store.ts';
import type { NewSignInRow, SignInRow } from '#domain/sign-in/store.ts';

/**
 * For how long a spent refresh token still answers, with the token that took its place. Clients share one refresh token between sessions, and
 * answers are lost; both come again within seconds. A thief who comes in that time gets the client's own token, and whichever of the two
 * uses it second, later, ends the family (RFC 9700 section 4.14.2).
 */
export const GRACE_SECONDS = 30;

const KIND = 'RefreshToken';
/** More rotations than that within the grace are no client that lost an answer. */
const MAX_ROTATIONS = 20;
/** Where a request keeps the token that it is answered with in place of the one that it came with. */
const STATE = 'refreshToken';

/** How rows of refresh tokens are named and how their values are kept. */
export interface RefreshKeeper {
  readonly key: (value: string) => string;
  readonly seal: (value: string) => string;
  readonly unseal: (sealed: string) => string;
}

/** A refresh token's value with its row. */
interface Found {
  readonly value: string;
  readonly row: SignInRow;
}

/** The unspent token at the end of the rotations that began with this spent one, as long as it is in its grace; null otherwise. */
async function successorOf(
  reader: TenantReader,
  { key, unseal }: RefreshKeeper,
  spent: SignInRow,
): Promise<Found | null> {
  const age = reader.now.getTime() - (spent.consumedAt?.getTime() ?? 0);
  if (age >= GRACE_SECONDS * 1000) return null;
  let row: SignInRow | null = spent;
  for (let rotation = 0; row !== null && rotation < MAX_ROTATIONS; rotation += 1) {
    const sealed: unknown = row.payload['successor'];
    if (typeof sealed !== 'string') return null;
    const value = unseal(sealed);
    row = await findSignInRow(reader, KIND, key(value));
    if (row !== null && row.consumedAt === null) return { value, row };
  }
  return null;
}

/** The row of a refresh token as `oidc-provider` shall see it: for a spent one in its grace the row of its successor, with which the request is answered. */
export async function findRefreshToken(
  reader: TenantReader,
  keeper: RefreshKeeper,
  value: string,
): Promise<SignInRow | null> {
  const row = await findSignInRow(reader, KIND, keeper.key(value));
  if (row === null || row.consumedAt === null) return row;
  const successor = await successorOf(reader, keeper, row);
  if (successor === null) return row;
  answerWith(successor.value);
  return successor.row;
}

/**
 * Spends one refresh token and saves the next in one transaction, so that neither a crash nor a race leaves a client without. Of many at once one
 * saves, and the others are answered with what it saved. Says false where the token had been spent for longer than its grace: then its whole
 * grant has been ended.
 */
export async function rotateRefreshToken(
  ctx: TenantWriter,
  keeper: RefreshKeeper,
  spent: string,
  next: string,
  row: NewSignInRow,
): Promise<boolean> {
  const id = keeper.key(spent);
  if (await spendSignInRow(ctx, KIND, id, { successor: keeper.seal(next) })) {
    await saveSignInRow(ctx, row);
    return true;
  }
  const known = await findSignInRow(ctx, KIND, id);
  const successor = known === null ? null : await successorOf(ctx, keeper, known);
  if (successor !== null) {
    answerWith(successor.value);
    return true;
  }
  const grantId = row.payload['grantId'];
  if (typeof grantId === 'string') await endGrant(ctx, grantId);
  return false;
}

/** The token that the request at hand rotates; undefined where it rotates none. */
export const rotatedHere = (): string | undefined => Provider.ctx?.oidc.entities.RotatedRefreshToken?.jti;

function answerWith(value: string): void {
  const { ctx } = Provider;
  if (ctx !== undefined) ctx.state[STATE] = value;
}

/** Whether the request at hand came with a token that has been rotated already: then nothing is rotated for it. */
export const isAnsweredAgain = (ctx: { readonly state: Record<string, unknown> }): boolean =>
  ctx.state[STATE] !== undefined;

/** Puts the token that took the presented one's place into the answers of the token endpoint. */
export function answerWithSuccessors(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next();
    const value: unknown = ctx.state[STATE];
    const body: unknown = ctx.body;
    if (typeof value === 'string' && typeof body === 'object' && body !== null && 'refresh_token' in body)
      ctx.body = { ...body, refresh_token: value };
  });
}

/** What a client hears whose refresh token had been spent. */
export const alreadyUsed = (): Error => new errors.InvalidGrant('already used');
