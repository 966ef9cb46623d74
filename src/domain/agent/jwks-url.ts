import { sql } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import { isLoopback } from '#lib/url.ts';
import type { TenantReader } from '../context.ts';

/**
 * Checks the address of an agent's JWKS (RFC 7517) and returns it normalised: https, without user name and
 * fragment. Only a sandbox also accepts loopback and http there. Fault `invalid_input` otherwise. Does not
 * fetch it: it is fetched when a key is needed.
 */
export async function checkJwksUrl(reader: TenantReader, text: string): Promise<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '' || text.length > 500)
    throw refused('an https URL without user name, password and fragment, of at most 500 characters');
  if (isLoopback(url)) {
    const rows = await reader.db.execute<{ mode: string | null }>(sql`select installation_mode() as mode`);
    if (rows[0]?.mode === 'sandbox') return url.href;
    throw refused('localhost is only possible in sandboxes');
  }
  if (url.protocol !== 'https:') throw refused('must begin with https://');
  return url.href;
}

const refused = (problem: string): Fault =>
  new Fault('invalid_input', `The JWKS URL cannot be used: ${problem}.`, {
    detail: { problems: [{ field: 'jwks_url', problem }] },
  });
