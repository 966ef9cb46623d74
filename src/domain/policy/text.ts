import { Fault } from '#lib/fault.ts';
import type { TenantReader } from '../context.ts';
import { policyVersion } from './store.ts';

/**
 * The text that an input means: its own, or that of an older version. Version 0, and every version
 * that returned to it, is the empty text, which means the shipped policies. Throws Fault
 * `invalid_input` for both or neither and for an empty text, and `not_found` for an unknown version.
 */
export async function policyText(
  reader: TenantReader,
  input: { text?: string | undefined; version?: number | undefined },
): Promise<{ text: string; from: number | null }> {
  const { text, version } = input;
  if ((text === undefined) === (version === undefined))
    throw new Fault('invalid_input', 'Give either text or version, not both.', {
      detail: { problems: [{ field: 'text', problem: 'either text or version' }] },
    });
  if (text !== undefined) {
    if (text.trim() === '')
      throw new Fault(
        'invalid_input',
        'The text is empty. To return to the policies that ship with the product, use version 0.',
        {
          detail: { problems: [{ field: 'text', problem: 'empty' }] },
        },
      );
    return { text, from: null };
  }
  const number = version ?? 0;
  const row = number === 0 ? null : await policyVersion(reader, number);
  if (number !== 0 && row === null)
    throw new Fault(
      'not_found',
      `Policy version ${number} does not exist. Use policy_show to see all versions.`,
      {
        field: 'version',
      },
    );
  return { text: row?.text ?? '', from: number };
}
