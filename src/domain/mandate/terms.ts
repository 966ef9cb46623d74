import type { TenantReader } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import type { AskedTerms, MandateTerms } from './asked.ts';
import { findTemplate } from './templates.ts';

/** How long a mandate lasts if nothing says otherwise. */
export const DEFAULT_DAYS = 7;

/** Stands for the principal's direct reports, in requests and in templates. */
const TEAM = 'team';

/**
 * The terms in full: request, then template, then defaults. Throws Fault `not_found` (no such template) or
 * `invalid_input` with the field that is missing. Does not check whether anyone may give them.
 */
export async function settleTerms(
  reader: TenantReader,
  principalId: string | null,
  asked: AskedTerms,
): Promise<MandateTerms> {
  const { template, ...given } = asked;
  const filled = template === undefined ? {} : await termsOfTemplate(reader, template);
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const terms: AskedTerms = { ...filled, ...(said as typeof given) };
  const { scopes, purpose } = terms;
  if (scopes === undefined) throw wanting('scopes', 'Give scopes, or a template that contains them.');
  if (purpose === undefined) throw wanting('purpose', 'Give a purpose, or a template that contains one.');
  if ((terms.amount === undefined) !== (terms.currency === undefined)) {
    const field = terms.amount === undefined ? 'amount' : 'currency';
    throw wanting(field, 'Set amount and currency together.');
  }
  const resources = (terms.resources ?? [TEAM]).map((one) =>
    one.toLowerCase() === TEAM && principalId !== null ? `reports:${principalId}` : one,
  );
  return {
    ...terms,
    scopes: [...new Set(scopes)].sort(),
    resources: [...new Set(resources)].sort(),
    purpose,
    days: terms.days ?? DEFAULT_DAYS,
  };
}

/**
 * Checks that every named tool exists and that its scope is among the scopes. Throws Fault `invalid_input`.
 */
export function checkTools(
  named: readonly string[] | undefined | null,
  scopes: readonly string[],
  tools: readonly { readonly name: string; readonly scope: string }[],
): void {
  for (const name of named ?? []) {
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) throw wanting('tools', `There is no tool "${name.slice(0, 60)}".`);
    if (!scopes.includes(tool.scope))
      throw wanting('tools', `${name} requires the scope ${tool.scope}. Add that scope, or omit the tool.`);
  }
}

async function termsOfTemplate(reader: TenantReader, name: string): Promise<Omit<MandateTerms, 'agent'>> {
  const template = await findTemplate(reader, name);
  if (template !== null) return template.terms;
  throw new Fault(
    'not_found',
    `There is no mandate template "${name.slice(0, 80)}". Use mandate_template_list to see all templates.`,
    { field: 'template' },
  );
}

const wanting = (field: string, problem: string): Fault => new Fault('invalid_input', problem, { field });
