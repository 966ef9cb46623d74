import { errors, Provider } from 'oidc-provider';
import type { TenantReader, TenantWriter } from '#domain/context.ts';
import { endGrant, findSignInRow, saveSignInRow, spendSignInRow } from '#domain/sign-in/store.ts';
import type { NewSignInRow, SignInRow } from '#domain/sign-in/store.ts';

/**
 * How long a used refresh token still answers, with the token that replaced it, in seconds. Clients share one
 * refresh token between sessions, and answers get lost; both retry within seconds. A thief within that time
 * gets the client's own token, and whichever of the two uses it second, later, ends the family (RFC 9700
 * section 4.14.2).
 */
export const GRACE_SECONDS = 30;

const KIND = 'RefreshToken';
// A client that lost an answer does not rotate more often within the grace period.
const MAX_ROTATIONS = 20;
// Where a request keeps the token that it is answered with.
const STATE = 'refreshToken';

/** How rows of refresh tokens are named, and how their values are stored. */
export interface RefreshKeeper {
  readonly key: (value: string) => string;
  readonly seal: (value: string) => string;
  readonly unseal: (sealed: string) => string;
}

/** The value of a refresh token, with its row. */
interface Found {
  readonly value: string;
  readonly row: SignInRow;
}

/**
 * The unused token at the end of the rotations that began with this used one. Null after its grace period.
 */
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

/**
 * The row of a refresh token for `oidc-provider`. For a used token in its grace period it is the successor's
 * row, and the request is answered with the successor.
 */
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
 * Uses up one refresh token and saves the next in one transaction, so neither a crash nor a race leaves a
 * client without one. Of concurrent requests one saves, and the others are answered with what it saved. False
 * if the token was used up longer ago than its grace period; then its whole grant was ended.
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

/** The refresh token that the current request rotates. Undefined if it rotates none. */
export const rotatedHere = (): string | undefined => Provider.ctx?.oidc.entities.RotatedRefreshToken?.jti;

function answerWith(value: string): void {
  const { ctx } = Provider;
  if (ctx !== undefined) ctx.state[STATE] = value;
}

/**
 * Whether the current request came with a refresh token that was already rotated. Then it rotates nothing.
 */
export const isAnsweredAgain = (ctx: { readonly state: Record<string, unknown> }): boolean =>
  ctx.state[STATE] !== undefined;

/** Makes the token endpoint answer with the token that replaced the presented one. */
export function answerWithSuccessors(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next();
    const value: unknown = ctx.state[STATE];
    const body: unknown = ctx.body;
    if (typeof value === 'string' && typeof body === 'object' && body !== null && 'refresh_token' in body)
      ctx.body = { ...body, refresh_token: value };
  });
}

/** The error for a refresh token that was already used. */
export const alreadyUsed = (): Error => new errors.InvalidGrant('already used');
