import { APP } from './seed.ts';
import { commandPayload, eventPayload } from './payloads.ts';
import { applyResponse } from './response-url.ts';
import { inChannel, type Simulation } from './simulation.ts';
import { escapeTypedText } from './typing.ts';
import type { CommandAnswer, ShownError, SimChannel, SimUser, Wire } from './types.ts';
import { watch } from './watch.ts';
import { SlackError } from './web/args.ts';
import { wireMessage } from './web/chat.ts';
import { stringOf } from './wire.ts';

/**
 * Shows the body of an acknowledgement as Slack would; returns what the person reads instead where it is no
 * message.
 */
function showBody(sim: Simulation, user: SimUser, channel: SimChannel, body: unknown): ShownError {
  const { world } = sim.workspace;
  if (body === '' || body === null || (typeof body === 'object' && Object.keys(body).length === 0))
    return null;
  const wire: Wire = typeof body === 'object' ? { ...body } : { text: stringOf(body) };
  const ticket = { user: user.id, channel: channel.id, message: null, createdAt: world.now(), uses: 0 };
  try {
    applyResponse(world, ticket, wire);
    return null;
  } catch (error) {
    if (error instanceof SlackError) return 'invalid_response';
    throw error;
  }
}

/** Sends a slash command as this person, from this channel, and shows what the app answers. */
export async function sendCommand(
  sim: Simulation,
  user: SimUser,
  channel: SimChannel,
  typed: string,
): Promise<CommandAnswer> {
  const [command = '', ...rest] = typed.trim().split(/ (.*)/s);
  const text = escapeTypedText(rest.join('').trim(), sim.workspace.world.state);
  const watching = watch(sim.workspace.world, user, channel.id);
  const payload = commandPayload(inChannel(sim, user, channel, null), user, channel, command, text);
  const { status, body, shown } = await sim.send({ kind: 'command', payload });
  const wrong = shown ?? showBody(sim, user, channel, body);
  const seen = await watching.settle(wrong === null ? sim.settleMs : 0);
  return { status, body, shown: wrong, ...seen };
}

/** Posts a message as this person; the app hears of it in its DM, and where it is mentioned. */
export async function sendMessage(
  sim: Simulation,
  user: SimUser,
  channel: SimChannel,
  typed: string,
): Promise<CommandAnswer> {
  const { workspace, verificationToken } = sim;
  const { world } = workspace;
  const message = world.post(
    { channel: channel.id, user: user.id, text: escapeTypedText(typed, world.state) },
    [],
  );
  const watching = watch(world, user, channel.id);
  const mentioned = message.text.includes(`<@${APP.botUserId}`);
  const type = channel.kind === 'im' ? 'message' : mentioned ? 'app_mention' : null;
  if (type === null) return { status: 0, body: null, shown: null, ...(await watching.settle(0)) };
  const event = {
    ...wireMessage(message, workspace),
    type,
    channel: channel.id,
    event_ts: message.ts,
    ...(type === 'message' ? { channel_type: 'im' } : {}),
  };
  const payload = eventPayload({ ...workspace, verificationToken }, event, world.now(), channel.isExtShared);
  const { status, body } = await sim.send({ kind: 'event', payload });
  return { status, body, shown: null, ...(await watching.settle(sim.settleMs)) };
}
