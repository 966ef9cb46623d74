import type { Wire } from '../types.ts';
import { SlackError, type Args } from './args.ts';

/** One page of a list by Slack's cursor pagination: `limit` (100 by default, at most 1000) and `cursor`. */
export function pageOf<T>(all: readonly T[], args: Args): { page: readonly T[]; response_metadata: Wire } {
  const limit = Math.min(1000, Math.max(1, Number(args.text('limit') ?? 100) || 100));
  const cursor = args.text('cursor');
  const start = cursor === null ? 0 : Number(Buffer.from(cursor, 'base64url').toString());
  if (!Number.isInteger(start) || start < 0) throw new SlackError('invalid_cursor');
  const next = start + limit < all.length ? Buffer.from(String(start + limit)).toString('base64url') : '';
  return { page: all.slice(start, start + limit), response_metadata: { next_cursor: next } };
}
