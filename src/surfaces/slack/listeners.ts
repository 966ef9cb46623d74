import { oneLine } from '#lib/sanitise.ts';
import type { App as BoltApp, RespondFn } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { handleClick } from './clicks.ts';
import { handleCommand } from './commands/handle.ts';
import { handleText } from './commands/speech.ts';
import { faultMessage, guarded, type Act, type Reply, type Slack } from './context.ts';
import { submitDenial } from './deny.ts';
import type { IntakeContext } from './transport/receiver.ts';
import { slackWord } from './faults.ts';
import { changedForm } from './forms/change.ts';
import { DENY_CALLBACK } from './forms/denial.ts';
import { FORM_CALLBACK } from './forms/draw.ts';
import { NARROW_CALLBACK } from './forms/narrow.ts';
import { optionsFor } from './forms/options.ts';
import { errorsAt, submitForm, type Submitted } from './forms/submit.ts';
import { ACTIONS, OURS } from './ids.ts';
import type { Account } from './identity.ts';
import { button, notice, type Message } from './messages/blocks.ts';
import { submitNarrowing } from './narrow.ts';
import { typedIn } from './typed.ts';
import { objectIn, objectsIn, textIn, type Wire } from './wire.ts';

/**
 * Registers one listener for each kind of request: Bolt runs every listener that matches, so nothing may
 * match twice. Commands and clicks are acknowledged first and answered after, as Bolt acknowledges events;
 * forms and menus are answered in the acknowledgement.
 */
export function listen(bolt: BoltApp, slack: Slack): void {
  bolt.command(/^\//, async ({ ack, body, respond, client, context }) => {
    await ack();
    const wire = { ...body } as Wire;
    const root = textIn(wire, 'command');
    const act = await actOf(
      slack,
      wire,
      { userId: textIn(wire, 'user_id'), teamId: textIn(wire, 'team_id') || null },
      `${root} command`,
      byUrl(slack, respond, direct(slack, client, textIn(wire, 'user_id'))),
      takenAs(context),
    );
    await handleCommand(slack, act, {
      root,
      text: textIn(wire, 'text'),
      channel: textIn(wire, 'channel_id'),
    });
  });
  bolt.event('message', async ({ body, client, context }) => {
    const wire: Wire = { ...body };
    const typed = typedIn(wire);
    if (typed === null) return;
    const { account, text, channel } = typed;
    const reply = direct(slack, client, account.userId);
    const act = await actOf(slack, wire, account, 'message to the app', reply, takenAs(context));
    await handleText(slack, act, { text, channel });
  });
  bolt.action(OURS, async ({ ack, body, respond, client, context }) => {
    await ack();
    const wire: Wire = { ...body };
    const [action = {}] = objectsIn(wire, 'actions');
    const channel = textIn(objectIn(wire, 'channel'), 'id') || null;
    const account = clicker(wire);
    const act = await actOf(
      slack,
      wire,
      account,
      textIn(action, 'action_id'),
      byUrl(
        slack,
        respond,
        direct(slack, client, account.userId),
        objectIn(wire, 'container')['is_ephemeral'] === true,
      ),
      takenAs(context),
    );
    const view = objectIn(wire, 'view');
    // What happens in an open form is no button of a message's.
    if (textIn(view, 'callback_id') === FORM_CALLBACK) return changedForm(slack, act, view, action);
    await handleClick(slack, act, {
      actionId: textIn(action, 'action_id'),
      value: textIn(action, 'value'),
      channel,
    });
  });
  bolt.options(OURS, async ({ ack, body }) => {
    const wire: Wire = { ...body };
    const act = await actOf(slack, wire, clicker(wire), 'menu', silent, { intake: null, late: false });
    await ack({ options: await optionsFor(slack, act, textIn(wire, 'action_id'), textIn(wire, 'value')) });
  });
  bolt.view(OURS, async ({ ack, body, client, context }) => {
    const wire: Wire = { ...body };
    const view = objectIn(wire, 'view');
    const account = clicker(wire);
    const reply = direct(slack, client, account.userId);
    const taken = takenAs(context);
    const act = await actOf(slack, wire, account, textIn(view, 'callback_id'), reply, taken);
    const submitting = submit(slack, act, view);
    const inTime = taken.late ? null : await within(submitting, ANSWER_MS);
    if (inTime !== null && 'errors' in inTime)
      return inTime.view === undefined
        ? ack({ response_action: 'errors', errors: { ...inTime.errors } })
        : ack({ response_action: 'update', view: inTime.view });
    // Slack may have given up waiting: what was done is told all the same.
    await ack().catch(() => {});
    const submitted = await submitting;
    if ('errors' in submitted) await act.tell(notCarriedOut(view, submitted.errors));
    else await guarded(slack, act, submitted.after);
  });
}

/**
 * How long a form stays open for an answer, in milliseconds. Slack waits for three seconds, from before we
 * hear of it.
 */
const ANSWER_MS = 2000;

/** What comes in time, or null. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** For a form that had closed before it could say what is wrong: the same, and a way back to it. */
function notCarriedOut(view: Wire, errors: Readonly<Record<string, string>>): Message {
  const labels = new Map(
    objectsIn(view, 'blocks').map((block) => [
      textIn(block, 'block_id'),
      textIn(objectIn(block, 'label'), 'text'),
    ]),
  );
  const wrong = Object.entries(errors).map(
    ([block, words]) => `${labels.get(block) ?? 'The form'}: ${words}`,
  );
  const said = `Nothing was sent. ${wrong.join(' ')}`;
  return textIn(view, 'callback_id') === FORM_CALLBACK
    ? notice(
        oneLine(said),
        button('Open the form', ACTIONS.edit, textIn(view, 'private_metadata'), 'primary'),
      )
    : notice(oneLine(said));
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

/**
 * Who did it: from the signed payload alone, never from a value, a name or private_metadata (assertion I1).
 */
function clicker(wire: Wire): Account {
  const user = objectIn(wire, 'user');
  return { userId: textIn(user, 'id'), teamId: textIn(user, 'team_id') || null };
}

async function actOf(
  slack: Slack,
  wire: Wire,
  account: Account,
  doing: string,
  reply: Reply,
  { intake }: IntakeContext,
): Promise<Act> {
  return {
    tenantId: await slack.tenant(),
    account,
    triggerId: textIn(wire, 'trigger_id'),
    doing,
    intake,
    ...reply,
  };
}

function takenAs(context: Readonly<Record<string, unknown>>): IntakeContext {
  const { intake, late } = context;
  return { intake: typeof intake === 'string' ? intake : null, late: late === true };
}

const nothing = (): Promise<void> => Promise.resolve();
const silent: Reply = { tell: nothing, replace: nothing, remove: nothing };

/**
 * Through the response URL: to this person alone, wherever they typed or clicked, also where the app is no
 * member. Where that fails, in a direct message. Never throws: an answer that does not arrive changes nothing
 * of what was done.
 */
function byUrl(slack: Slack, respond: RespondFn, instead: Reply, replaceable = false): Reply {
  const send = async (message: Message, replace: boolean): Promise<void> => {
    const { text, blocks } = message;
    try {
      await respond({ text, blocks, response_type: 'ephemeral', replace_original: replace });
    } catch (error) {
      slack.app.log.warn(
        { reason: slackWord(error) },
        'slack: a response URL does not work; a direct message instead',
      );
      await instead.tell(message);
    }
  };
  const remove = async (): Promise<void> => {
    try {
      await respond({ delete_original: true });
    } catch (error) {
      slack.app.log.warn({ reason: slackWord(error) }, 'slack: a card could not be taken away');
    }
  };
  return {
    tell: (message) => send(message, false),
    replace: (message) => send(message, replaceable),
    remove: replaceable ? remove : nothing,
  };
}

/** In a direct message, as for forms, which have no response URL. Never throws. */
function direct(slack: Slack, client: WebClient, userId: string): Reply {
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
      slack.app.log.warn({ reason: slackWord(error) }, 'slack: an answer could not be told');
    }
  };
  return { tell, replace: tell, remove: nothing };
}
