import { SAMPLE_COMPANY } from '../company.ts';
import type { SimChannel, SimUser, SimUserGroup } from './types.ts';

/** The app's own identity in the workspace. */
export const APP = { botUserId: 'UPROKURA000', botId: 'BPROKURA000', name: 'prokura' } as const;
/** The workspace's public name; Slack sends it as `team_domain`. */
export const TEAM_DOMAIN = 'acme';
/** The other company, from which a Slack Connect stranger comes. */
export const EVIL_TEAM = 'T0EVIL00000';
/** Channels of the workspace by purpose; the app is a member of all but `random`. */
export const CHANNELS = {
  approvals: 'C0APPROVALS',
  general: 'C0GENERAL00',
  random: 'C0RANDOM000',
  shared: 'C0SHARED000',
} as const;

type Flags = Partial<Omit<SimUser, 'id' | 'name' | 'realName' | 'email'>>;

const account = (
  id: string,
  name: string,
  realName: string,
  email: string | null,
  flags: Flags = {},
): SimUser => ({
  id,
  name,
  realName,
  email,
  teamId: SAMPLE_COMPANY.slackTeamId,
  displayName: realName,
  title: '',
  deleted: false,
  isBot: false,
  isWorkflowBot: false,
  isRestricted: false,
  isUltraRestricted: false,
  isStranger: false,
  isInvitedUser: false,
  isEmailConfirmed: true,
  isAdmin: false,
  botId: null,
  updated: 1_700_000_000,
  ...flags,
});

/**
 * Accounts that exist to be refused: each has one property for which an app must not take them at their word.
 */
const STRANGE_ACCOUNTS: readonly SimUser[] = [
  account('UOTHERBOT00', 'otherbot', 'Deploy Bot', null, { isBot: true, botId: 'BOTHERBOT00' }),
  account('UGUEST00000', 'guest', 'Gus Guest', 'guest@partner.example', { isRestricted: true }),
  account('USINGLEG000', 'singleguest', 'Mia Guest', 'mia@partner.example', {
    isRestricted: true,
    isUltraRestricted: true,
  }),
  account('USTRANGER00', 'stranger', 'Bob Meyer', 'bob@acme.example', {
    isStranger: true,
    teamId: EVIL_TEAM,
  }),
  account('UUNCONF0000', 'unconfirmed', 'Carl Jensen', 'carl@acme.example', { isEmailConfirmed: false }),
  account('UINVITED000', 'invited', 'Ina Vited', 'ina@acme.example', { isInvitedUser: true }),
  account('UWORKFLOW00', 'workflowbot', 'Onboarding Workflow', null, {
    isBot: true,
    isWorkflowBot: true,
    botId: 'BWORKFLOW00',
  }),
  account('UIMPOSTOR00', 'impostor', 'Mallory Moss', 'mallory@acme.example', { displayName: 'Mona Patel' }),
];

/**
 * The accounts of the sample workspace: the company's people, the app, and the strange ones. Fresh objects
 * each time.
 */
export function seedUsers(): SimUser[] {
  const people = SAMPLE_COMPANY.people.map((one) =>
    account(one.slackId, one.key, `${one.firstName} ${one.lastName}`, one.email, {
      title: one.title,
      deleted: one.status === 'DEPROVISIONED',
      isAdmin: one.key === 'dana',
    }),
  );
  const app = account(APP.botUserId, APP.name, 'Prokura', null, { isBot: true, botId: APP.botId });
  return structuredClone([...people, app, ...STRANGE_ACCOUNTS]);
}

/** The channels of the sample workspace. Guests and strangers are members of the shared channel only. */
export function seedChannels(users: readonly SimUser[]): SimChannel[] {
  const outside = (user: SimUser): boolean => user.isRestricted || user.isStranger;
  const inside = users
    .filter((user) => !user.deleted && !user.isBot && !outside(user))
    .map((user) => user.id);
  const guests = users.filter(outside).map((user) => user.id);
  const channel = (id: string, name: string, members: string[], isExtShared = false): SimChannel => ({
    id,
    name,
    kind: 'public',
    members,
    isExtShared,
  });
  const approvers = SAMPLE_COMPANY.people
    .filter((one) => one.groups.some((name) => name === 'IT Admins' || name === 'Managers'))
    .map((one): string => one.slackId);
  return [
    channel(CHANNELS.approvals, 'it-approvals', [...approvers, APP.botUserId]),
    channel(CHANNELS.general, 'general', [...inside, APP.botUserId]),
    channel(CHANNELS.random, 'random', [...inside]),
    channel(CHANNELS.shared, 'partner-project', [...guests, ...approvers, APP.botUserId], true),
  ];
}

/** One user group for each Okta group of the sample company, with the people who are active in Slack. */
export function seedUserGroups(): SimUserGroup[] {
  return SAMPLE_COMPANY.groups.map(({ name }) => {
    const handle = name.toLowerCase().replaceAll(' ', '-');
    const users = SAMPLE_COMPANY.people
      .filter((one) => one.groups.some((group) => group === name))
      .map((one) => one.slackId);
    return {
      id: `S0${handle.replaceAll('-', '').toUpperCase()}`.padEnd(11, '0').slice(0, 11),
      handle,
      name,
      users,
    };
  });
}
