import { and, asc, eq } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import { folded } from '../../db/tenant-table.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { MandateTerms } from './asked.ts';
import { mandateTemplates } from './tables.ts';

/**
 * Terms that people pick by name. `resources` may hold the word `team`: the direct reports of the
 * principal who uses the template.
 */
export interface MandateTemplate {
  readonly name: string;
  readonly description: string;
  readonly terms: Omit<MandateTerms, 'agent'>;
  /** True if the tenant saved the template, false if it ships with the product. */
  readonly own: boolean;
}

/**
 * The templates that ship with the product. A template that the tenant saves under the same name replaces
 * one.
 */
export const DEFAULT_TEMPLATES: readonly MandateTemplate[] = [
  {
    name: 'Reset MFA for my team, 7 days',
    description: 'The agent resets lost or replaced MFA factors of your direct reports.',
    terms: {
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      days: 7,
      purpose: 'Reset lost or replaced factors of my team',
    },
    own: false,
  },
  {
    name: 'Help desk for my team, 1 day',
    description:
      'For one day, the agent resets MFA and passwords of your direct reports and looks up colleagues.',
    terms: {
      scopes: ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'],
      resources: ['team'],
      days: 1,
      purpose: 'Help desk for my team',
    },
    own: false,
  },
];

/** The tenant's templates and those that ship, sorted by name. */
export async function listTemplates(reader: TenantReader): Promise<MandateTemplate[]> {
  const rows = await reader.db
    .select()
    .from(mandateTemplates)
    .where(eq(mandateTemplates.tenantId, reader.tenantId))
    .orderBy(asc(mandateTemplates.name));
  const own = rows.map(({ name, description, terms }) => ({ name, description, terms, own: true }));
  const shipped = DEFAULT_TEMPLATES.filter((one) => !own.some((other) => sameName(one.name, other.name)));
  return [...own, ...shipped].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The template with this name, ignoring case, or null. */
export async function findTemplate(reader: TenantReader, name: string): Promise<MandateTemplate | null> {
  return (await listTemplates(reader)).find((one) => sameName(one.name, name)) ?? null;
}

/**
 * Saves a template and replaces the one with the same name. Does not check whether the actor may, or
 * whether anyone could give such a mandate.
 */
export async function saveTemplate(
  ctx: TenantWriter,
  template: Omit<MandateTemplate, 'own'>,
  actor: string,
): Promise<void> {
  const { name, description, terms } = template;
  const changed = await ctx.db
    .update(mandateTemplates)
    .set({ name, description, terms })
    .where(and(eq(mandateTemplates.tenantId, ctx.tenantId), eq(mandateTemplates.nameFolded, folded(name))))
    .returning({ id: mandateTemplates.id });
  if (changed.length === 0) {
    const id = newId('tpl', ctx.now.getTime());
    await ctx.db
      .insert(mandateTemplates)
      .values({ tenantId: ctx.tenantId, id, name, description, terms, createdAt: ctx.now });
  }
  ctx.record({ event: 'mandate_template_saved', actor, data: { name, terms } });
}

const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
