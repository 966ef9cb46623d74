import { EventEmitter } from 'node:events';
import { randomBytes } from 'node:crypto';
import type { KnownBlock } from '@slack/types';
import { elementsOf } from './blocks/check.ts';
import { APP } from './seed.ts';
import type { SimChannel, SimMessage, SimUser, SimUserGroup, SimView, InputValues, Wire } from './types.ts';

/** Where a response_url leads: its conversation, its person, and the message that it may replace. */
export interface ResponseTicket {
  readonly channel: string;
  readonly user: string;
  readonly message: { readonly ts: string; readonly ephemeral: boolean } | null;
  readonly createdAt: number;
  uses: number;
}

/** A trigger_id's record: who caused it, when (ms), in which modal, and whether it has been exchanged. */
export interface Trigger {
  readonly user: string;
  readonly createdAt: number;
  readonly viewId: string | null;
  used: boolean;
}

/** All that the workspace knows, as plain JSON, so that a snapshot of it is a snapshot of the workspace. */
export interface WorldState {
  readonly signingSecret: string;
  readonly botToken: string;
  readonly users: SimUser[];
  readonly channels: SimChannel[];
  readonly userGroups: SimUserGroup[];
  readonly messages: SimMessage[];
  readonly views: Record<string, SimView>;
  /** Open modals of each person, topmost last. */
  readonly stacks: Record<string, string[]>;
  /** The id of each person's published Home view. */
  readonly homes: Record<string, string>;
  readonly triggers: Record<string, Trigger>;
  readonly responses: Record<string, ResponseTicket>;
  /** Menus chosen in messages, by `channel:ts`. */
  readonly messageValues: Record<string, InputValues>;
  counter: number;
}

/** Something that became visible; `users` are those who can see it. */
export interface Effect {
  readonly kind: 'message' | 'view' | 'home';
  readonly channel?: string;
  readonly users: readonly string[] | 'members';
}

/**
 * The workspace: state plus the few changes that every interface shares. It checks nothing of what an app may
 * do; the Web API does. Emits `effect` for what people see and `change` for the snapshot.
 */
export class World extends EventEmitter<{ effect: [Effect]; change: [] }> {
  readonly state: WorldState;
  readonly now: () => number;

  constructor(state: WorldState, now: () => number) {
    super();
    this.setMaxListeners(0);
    this.state = state;
    this.now = now;
  }

  /** A new identifier with this prefix; unguessable, since response URLs are made of it. */
  id(prefix: string, bytes = 6): string {
    return prefix + randomBytes(bytes).toString('hex').toUpperCase();
  }

  /** A new message timestamp: seconds with six decimals, unique in the workspace, and ascending. */
  ts(): string {
    this.state.counter += 1;
    return `${Math.floor(this.now() / 1000)}.${String(this.state.counter % 1_000_000).padStart(6, '0')}`;
  }

  /** The account with this id or handle. */
  user(idOrName: string): SimUser | undefined {
    return this.state.users.find((one) => one.id === idOrName || one.name === idOrName);
  }

  /** The conversation with this id, or with this name with or without `#`. */
  channel(idOrName: string): SimChannel | undefined {
    const name = idOrName.replace(/^#/, '');
    return this.state.channels.find((one) => one.id === idOrName || (one.kind !== 'im' && one.name === name));
  }

  /** The DM of this person with the app, opened where there was none. */
  directMessage(userId: string): SimChannel {
    const found = this.state.channels.find((one) => one.kind === 'im' && one.members.includes(userId));
    if (found !== undefined) return found;
    const opened: SimChannel = {
      id: `D0${userId.slice(1)}`.slice(0, 11),
      name: 'directmessage',
      kind: 'im',
      members: [userId, APP.botUserId],
      isExtShared: false,
    };
    this.state.channels.push(opened);
    this.changed();
    return opened;
  }

  /** Members see their conversations; full members of the workspace also see its public channels. */
  canSee(user: SimUser, channel: SimChannel): boolean {
    if (channel.members.includes(user.id)) return true;
    return channel.kind === 'public' && !user.isRestricted && !user.isUltraRestricted && !user.isStranger;
  }

  /** The message at this place, deleted ones excluded; ephemeral ones only where asked for. */
  message(channel: string, ts: string, ephemeral = false): SimMessage | undefined {
    return this.state.messages.find(
      (one) =>
        one.channel === channel && one.ts === ts && !one.deleted && (one.ephemeralFor !== null) === ephemeral,
    );
  }

  /** Adds a message; blocks get the ids that the author left out. */
  post(
    message: Pick<SimMessage, 'channel' | 'user' | 'text'> &
      Partial<Pick<SimMessage, 'threadTs' | 'ephemeralFor' | 'botId'>>,
    blocks: readonly KnownBlock[],
  ): SimMessage {
    const posted: SimMessage = {
      botId: null,
      threadTs: null,
      ephemeralFor: null,
      ...message,
      ts: this.ts(),
      blocks: this.named(blocks),
      editedTs: null,
      deleted: false,
      versions: [],
    };
    this.state.messages.push(posted);
    this.seen(posted);
    return posted;
  }

  /** Replaces what a message says; the earlier version is kept. */
  edit(message: SimMessage, text: string, blocks: readonly KnownBlock[]): void {
    message.versions.push({ text: message.text, blocks: message.blocks });
    message.text = text;
    message.blocks = this.named(blocks);
    message.editedTs = this.ts();
    this.seen(message);
  }

  /** Takes a message away from everybody's sight. */
  remove(message: SimMessage): void {
    message.deleted = true;
    this.seen(message);
  }

  /** A new trigger_id: three seconds of right to open a modal, once. */
  trigger(user: string, viewId: string | null = null): string {
    this.forgetOld();
    const id = `${this.state.counter}.${randomBytes(4).readUInt32BE()}.${randomBytes(12).toString('hex')}`;
    this.state.triggers[id] = { user, viewId, createdAt: this.now(), used: false };
    return id;
  }

  /**
   * Gives every block a block_id and every interactive element an action_id, as Slack does for those left
   * out.
   */
  named(blocks: readonly KnownBlock[]): readonly KnownBlock[] {
    return structuredClone(blocks).map((block) => {
      block.block_id ??= this.id('b', 3);
      for (const element of elementsOf(block as unknown as Wire)) {
        if (element['type'] !== 'image') element['action_id'] ??= this.id('a', 3);
      }
      return block;
    });
  }

  /** Says that something changed that nobody sees in a message (a profile, a trigger). */
  changed(): void {
    this.emit('change');
  }

  /**
   * Triggers and response URLs that have been of no use for an hour; an expired one is still known as
   * expired.
   */
  private forgetOld(): void {
    const limit = this.now() - 60 * 60 * 1000;
    for (const records of [this.state.triggers, this.state.responses]) {
      for (const [id, { createdAt }] of Object.entries(records)) if (createdAt < limit) delete records[id];
    }
  }

  private seen(message: SimMessage): void {
    const users = message.ephemeralFor === null ? 'members' : [message.ephemeralFor];
    this.emit('effect', { kind: 'message', channel: message.channel, users });
    this.changed();
  }
}
