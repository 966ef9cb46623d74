import { objectIn, textIn, type Wire } from './wire.ts';

/** Why a Slack account is not taken for a person (assertions I2 to I5), for the ledger. */
export type RefusalCode =
  | 'deleted'
  | 'bot'
  | 'guest'
  | 'stranger'
  | 'invited'
  | 'foreign_team'
  | 'no_email'
  | 'unconfirmed_email'
  | 'foreign_domain'
  | 'not_ascii'
  | 'no_person'
  | 'several_people'
  | 'email_changed'
  | 'not_active';

/** A refusal: `message` says to that account's owner what to do. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  /**
   * Whose address the account shows, and which account is theirs: for the ledger, and for those who are told.
   */
  readonly contests?: { readonly person: string; readonly account: string };
}

const REFUSALS = {
  deleted: 'This Slack account is deactivated, so nothing can be done with it.',
  bot: 'Bots and workflows cannot use Prokura. A person must ask from their own account. An agent uses its own credentials.',
  guest: 'Guests of this workspace cannot use Prokura. Ask the person whom you work with here to do it.',
  stranger:
    'You belong to another company, and only people of this one can use Prokura. Ask the person whom you work with here.',
  foreign_team:
    'You belong to another workspace, and only people of this one can use Prokura. Ask the person whom you work with here.',
  invited: 'Accept your invitation to this workspace first, and then try again.',
  no_email:
    'Your Slack account has no email address that we may see. Put your work email into your Slack profile, or ask an administrator.',
  unconfirmed_email:
    'Confirm the email address of your Slack account (Slack sent you a message), and then try again.',
  foreign_domain:
    "Your Slack account's email address is not one of this organisation. Change it to your work email in Slack, or ask an administrator.",
  not_ascii:
    "Your Slack account's email address has characters that look like other characters, so we do not accept it. Ask an administrator.",
  no_person:
    "Nobody in the directory has your Slack account's email address. Change it to your work email in Slack; if you are new, try again after the next sync.",
  several_people:
    "More than one person in the directory has your Slack account's email address, so we cannot tell who you are. Ask an IT admin to correct that.",
  email_changed:
    'The email address of this Slack account, or of the person in the directory, has changed since we first saw it, so we no longer accept this account. An IT admin can link it again (/account relink).',
  not_active: 'You are not active at the identity provider. An IT admin can change that there.',
} as const satisfies Record<RefusalCode, string>;

/** The refusal of this code, in its own words or in better ones. */
export const refusal = (code: RefusalCode, message: string = REFUSALS[code]): Refusal => ({ code, message });

export const isRefusal = (value: object): value is Refusal => 'code' in value && 'message' in value;

type Reason = readonly [code: RefusalCode, holds: (user: Wire) => boolean];

const ACCOUNT_RULES: readonly Reason[] = [
  ['deleted', (user) => user['deleted'] !== false],
  [
    'bot',
    (user) => user['is_bot'] === true || user['is_workflow_bot'] === true || user['id'] === 'USLACKBOT',
  ],
  ['stranger', (user) => user['is_stranger'] === true],
  ['guest', (user) => user['is_restricted'] === true || user['is_ultra_restricted'] === true],
  ['invited', (user) => user['is_invited_user'] === true],
  ['unconfirmed_email', (user) => user['is_email_confirmed'] === false],
];

/**
 * The work email that `users.info` shows for an account of this workspace, in lower case, or why the account
 * is refused. Compares ASCII only, without folding dots or plus signs. Does not say whose address it is.
 */
export function workEmail(user: Wire, teamId: string, domains: readonly string[]): string | Refusal {
  const broken = ACCOUNT_RULES.find(([, holds]) => holds(user));
  if (broken !== undefined) return refusal(broken[0]);
  if (!teamsOf(user).includes(teamId)) return refusal('foreign_team');
  const email = textIn(objectIn(user, 'profile'), 'email');
  if (email === '') return refusal('no_email');
  if (!/^[\x21-\x7e]+$/.test(email)) return refusal('not_ascii');
  const lower = email.toLowerCase();
  const domain = lower.slice(lower.lastIndexOf('@') + 1);
  return domains.some((one) => one.toLowerCase() === domain) && lower.split('@').length === 2
    ? lower
    : refusal('foreign_domain');
}

/** On Enterprise Grid an account belongs to the organisation and is in several workspaces of it. */
function teamsOf(user: Wire): readonly unknown[] {
  const teams = objectIn(user, 'enterprise_user')['teams'];
  return [user['team_id'], ...(Array.isArray(teams) ? teams : [])];
}
