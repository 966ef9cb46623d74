import type { MandateWindow } from './window.ts';

/** What a principal asks to give. People, agents and groups are named by their ids. */
export interface MandateTerms {
  readonly agent: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly tools?: readonly string[] | undefined;
  readonly amount?: number | undefined;
  readonly currency?: string | undefined;
  readonly window?: MandateWindow | undefined;
  readonly offline?: boolean | undefined;
  readonly may_delegate?: number | undefined;
  readonly days: number;
  readonly max_uses?: number | undefined;
  readonly purpose: string;
}

/** The terms as they are requested. What is left out comes from the template, and then from the defaults. */
export type AskedTerms = { readonly agent: string; readonly template?: string | undefined } & {
  readonly [Field in keyof Omit<MandateTerms, 'agent'>]?: MandateTerms[Field] | undefined;
};
