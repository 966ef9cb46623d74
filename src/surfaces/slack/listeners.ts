import type { App as BoltApp, RespondFn } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { handleClick } from './clicks.ts';
import { handleCommand } from './commands/handle.ts';
import { faultMessage, guarded, type Act, type Reply, type Slack } from './context.ts';
import { submitDenial } from './deny.ts';
import { platformError } from './faults.ts';
import { DENY_CALLBACK, FORM_CALLBACK } from './forms/draw.ts';
import { NARROW_CALLBACK } from './forms/narrow.ts';
import { optionsFor } from './forms/options.ts';
import { errorsAt, submitForm, type Submitted } from './forms/submit.ts';
import { OURS } from './ids.ts';
import type { Account } from './identity.ts';
import type { Message } from './messages/blocks.ts';
import { submitNarrowing } from './narrow.ts';
import { objectIn, objectsIn, textIn, type Wire } from './wire.ts';

/**
 * Registers one listener for each kind of request: Bolt runs every listener that matches, so nothing may match twice. Commands and
 * clicks are acknowledged first and answered after; forms and menus are answered in the acknowledgement.
 */
export function listen(bolt: BoltApp, slack: Slack): void {
  for (const root of slack.registry.roots) {
    bolt.command(root, async ({ ack, body, respond }) => {
      await ack();
      const wire = { ...body } as Wire;
      const act = await actOf(
        slack,
        wire,
        { userId: textIn(wire, 'user_id'), teamId: textIn(wire, 'team_id') || null },
        `${root} command`,
        byUrl(respond),
      );
      await handleCommand(slack, act, {
        root,
        text: textIn(wire, 'text'),
        channel: textIn(wire, 'channel_id'),
      });
    });
  }
  bolt.action(OURS, async ({ ack, body, respond }) => {
    await ack();
    const wire = { ...body } as unknown as Wire;
    const [action = {}] = objectsIn(wire, 'actions');
    const channel = textIn(objectIn(wire, 'channel'), 'id') || null;
    const act = await actOf(
      slack,
      wire,
      clicker(wire),
      textIn(action, 'action_id'),
      byUrl(respond, objectIn(wire, 'container')['is_ephemeral'] === true),
    );
    await handleClick(slack, act, {
      actionId: textIn(action, 'action_id'),
      value: textIn(action, 'value'),
      channel,
    });
  });
  bolt.options(OURS, async ({ ack, body }) => {
    const wire = { ...body } as unknown as Wire;
    const act = await actOf(slack, wire, clicker(wire), 'menu', silent);
    await ack({ options: await optionsFor(slack, act, textIn(wire, 'action_id'), textIn(wire, 'value')) });
  });
  bolt.view(OURS, async ({ ack, body, client }) => {
    const wire = { ...body } as unknown as Wire;
    const view = objectIn(wire, 'view');
    const account = clicker(wire);
    const act = await actOf(
      slack,
      wire,
      account,
      textIn(view, 'callback_id'),
      direct(client, account.userId),
    );
    const submitted = await submit(slack, act, view);
    if ('errors' in submitted) return ack({ response_action: 'errors', errors: { ...submitted.errors } });
    // Slack may have given up waiting: what was done is told all the same.
    await ack().catch(() => {});
    await guarded(slack, act, submitted.after);
  });
}

const FORMS: Readonly<Record<string, (slack: Slack, act: Act, view: Wire) => Promise<Submitted>>> = {
  [FORM_CALLBACK]: submitForm,
  [DENY_CALLBACK]: submitDenial,
  [NARROW_CALLBACK]: submitNarrowing,
};

/** A fault before the acknowledgement is shown in the form: Slack has no other place while it is open. */
async function submit(slack: Slack, act: Act, view: Wire): Promise<Submitted> {
  const form = FORMS[textIn(view, 'callback_id')];
  try {
    return form === undefined ? { after: () => Promise.resolve() } : await form(slack, act, view);
  } catch (error) {
    return { errors: errorsAt(view, [['', faultMessage(slack, act.doing, error)]]) ?? {} };
  }
}

/** Who did it: from the signed payload alone, never from a value, a name or private_metadata (assertion I1). */
function clicker(wire: Wire): Account {
  const user = objectIn(wire, 'user');
  return { userId: textIn(user, 'id'), teamId: textIn(user, 'team_id') || null };
}

async function actOf(slack: Slack, wire: Wire, account: Account, doing: string, reply: Reply): Promise<Act> {
  return { tenantId: await slack.tenant(), account, triggerId: textIn(wire, 'trigger_id'), doing, ...reply };
}

const silent: Reply = { tell: () => Promise.resolve(), replace: () => Promise.resolve() };

/** Through the response URL: to this person alone, wherever they typed or clicked, also where the app is no member. */
function byUrl(respond: RespondFn, replaceable = false): Reply {
  const send = async ({ text, blocks }: Message, replace: boolean): Promise<void> => {
    await respond({ text, blocks, response_type: 'ephemeral', replace_original: replace });
  };
  return { tell: (message) => send(message, false), replace: (message) => send(message, replaceable) };
}

/** Forms have no response URL: a direct message instead. */
function direct(client: WebClient, userId: string): Reply {
  const tell = async ({ text, blocks }: Message): Promise<void> => {
    try {
      await client.chat.postMessage({
        channel: userId,
        text,
        blocks,
        unfurl_links: false,
        unfurl_media: false,
      });
    } catch (error) {
      // A guest's or a stranger's direct messages may be closed to the app: then there is nowhere to answer.
      if (platformError(error) === null) throw error;
    }
  };
  return { tell, replace: tell };
}
