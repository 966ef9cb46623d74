/** What our buttons are called at Slack; a `:` and something that makes it unique in its block may follow. */
export const ACTIONS = {
  approve: 'prokura.approve',
  deny: 'prokura.deny',
  browser: 'prokura.browser',
  details: 'prokura.details',
  withdraw: 'prokura.withdraw',
  refresh: 'prokura.refresh',
  send: 'prokura.send',
  edit: 'prokura.edit',
  cancel: 'prokura.cancel',
  form: 'prokura.form',
  narrow: 'prokura.narrow',
  adopt: 'prokura.adopt',
  carryOut: 'prokura.carry_out',
  dismiss: 'prokura.dismiss',
  takeOver: 'prokura.take_over',
  item: 'prokura.item',
  page: 'prokura.page',
  text: 'prokura.text',
} as const;

export type ActionId = (typeof ACTIONS)[keyof typeof ACTIONS];

/** Everything of ours, also what messages of older versions hold. */
export const OURS = /^prokura\./;

/**
 * A button's value: which approval, and the version that was drawn. Both are checked again; neither is
 * believed.
 */
export const approvalValue = (id: string, version: number): string => `${id}:${version}`;

/** The parts of such a value; null for anything else. */
export function readApprovalValue(value: string): { id: string; version: number } | null {
  const match = /^(apr_[0-9a-z]{26}):(\d{1,9})$/.exec(value);
  return match === null ? null : { id: match[1] ?? '', version: Number(match[2]) };
}
