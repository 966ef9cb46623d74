import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { APP } from './seed.ts';
import type { SimMessage, Wire } from './types.ts';
import { Args, SlackError } from './web/args.ts';
import { messageContent } from './web/chat.ts';
import type { createFaults } from './web/faults.ts';
import type { ResponseTicket, World } from './world.ts';

const TTL_MS = 30 * 60 * 1000;
const MAX_USES = 5;

/**
 * A new response_url for an interaction in this conversation; `message` is what `replace_original` would
 * replace.
 */
export function newResponseUrl(
  world: World,
  url: string,
  user: string,
  channel: string,
  message: ResponseTicket['message'],
): string {
  const id = world.id('', 24).toLowerCase();
  world.state.responses[id] = { user, channel, message, createdAt: world.now(), uses: 0 };
  return `${url}/_response/${id}`;
}

/**
 * Shows what an app answered to a command or posted to a response_url: a new message (ephemeral unless
 * `response_type: in_channel`), or with `replace_original` / `delete_original` a change of the one that was
 * clicked.
 */
export function applyResponse(world: World, ticket: ResponseTicket, body: Wire): SimMessage | null {
  const original =
    ticket.message === null
      ? undefined
      : world.message(ticket.channel, ticket.message.ts, ticket.message.ephemeral);
  if (body['delete_original'] === true) {
    if (original !== undefined) world.remove(original);
    return null;
  }
  const content = messageContent(new Args(body));
  if (body['replace_original'] === true && original !== undefined) {
    world.edit(original, content.text, content.blocks);
    return original;
  }
  const ephemeralFor = body['response_type'] === 'in_channel' ? null : ticket.user;
  const threadTs = typeof body['thread_ts'] === 'string' ? body['thread_ts'] : null;
  const place = { channel: ticket.channel, text: content.text, ephemeralFor, threadTs };
  return world.post({ ...place, user: APP.botUserId, botId: APP.botId }, content.blocks);
}

/**
 * `/_response/{id}`: five uses within thirty minutes, as hooks.slack.com answers: `ok`, or 404 with a word.
 */
export function responseUrls(world: World, faults: ReturnType<typeof createFaults>): Hono {
  const app = new Hono();
  app.post('/:id', async (context) => {
    const fault = faults.take('response_url');
    if (fault?.kind === 'rate_limited')
      return context.text('rate_limited', 429, { 'retry-after': String(fault.retryAfter ?? 1) });
    if (fault?.kind === 'slow') await sleep(fault.delayMs ?? 0, undefined, { ref: false });
    else if (fault !== undefined) return context.text('server_error', 500);
    const ticket = world.state.responses[context.req.param('id')];
    if (ticket === undefined) return context.text('no_service', 404);
    if (world.now() - ticket.createdAt > TTL_MS) return context.text('expired_url', 404);
    if (ticket.uses >= MAX_USES) return context.text('used_url', 404);
    ticket.uses += 1;
    try {
      applyResponse(world, ticket, await context.req.json<Wire>());
      return context.text('ok');
    } catch (error) {
      if (error instanceof SlackError)
        return context.json({ ok: false, error: error.code, ...error.more }, 400);
      if (error instanceof SyntaxError) return context.text('invalid_payload', 400);
      throw error;
    }
  });
  return app;
}
