import { eq, sql } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import type { LinkedSource, TenantSettings } from './settings.ts';
import { theTenant } from './store.ts';
import { tenants } from './tables.ts';

/** The maximum number of links of a tenant. */
const MAX_LINKS = 20;

const same = (one: LinkedSource, other: LinkedSource): boolean =>
  one.source === other.source && one.peopleOf === other.peopleOf;

/**
 * The sources whose people a SCIM key of this source may provision and deprovision: its own and those linked
 * to it.
 */
export const sourcesOf = ({ linkedSources = [] }: TenantSettings, source: string): string[] => [
  source,
  ...linkedSources.filter((link) => link.source === source).map((link) => link.peopleOf),
];

/**
 * Links a source to the people of another one, or removes the link if `linked` is false. The caller must have
 * locked the tenant's row. Returns all links afterwards. Fault `invalid_input` for a source and itself,
 * `not_found` if there is no such link to remove, `conflict` if there are too many. Does not check that the
 * sources exist: a key may be created later.
 */
export async function changeLink(
  ctx: TenantWriter,
  link: LinkedSource,
  linked: boolean,
  by: { readonly actor: string; readonly callId: string },
): Promise<readonly LinkedSource[]> {
  requirePair(link);
  const { linkedSources: before = [] } = (await theTenant(ctx)).settings;
  const others = before.filter((one) => !same(one, link));
  if (!linked && others.length === before.length)
    throw new Fault('not_found', `${link.source} is not linked to the people of ${link.peopleOf}.`, {
      field: 'people_of',
    });
  if (linked && others.length >= MAX_LINKS)
    throw new Fault('conflict', `${MAX_LINKS} links already exist, which is the limit. Remove one first.`);
  const after = linked ? [...others, { source: link.source, peopleOf: link.peopleOf }] : others;
  await ctx.db
    .update(tenants)
    .set({
      settings: sql`${tenants.settings} || jsonb_build_object('linkedSources', ${JSON.stringify(after)}::jsonb)`,
    })
    .where(eq(tenants.id, ctx.tenantId));
  ctx.record({
    event: 'sources_linked',
    actor: by.actor,
    data: { source: link.source, people_of: link.peopleOf, linked, call_id: by.callId },
  });
  return after;
}

/** Throws Fault `invalid_input` for a source and itself, because a source always writes its own people. */
export function requirePair({ source, peopleOf }: LinkedSource): void {
  if (source === peopleOf)
    throw new Fault(
      'invalid_input',
      'A source can always write its own people. Name two different sources.',
      {
        field: 'people_of',
      },
    );
}
