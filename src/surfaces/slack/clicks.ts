import { say } from '#lib/sanitise.ts';
import { findAgent } from '#domain/agent/store.ts';
import { DEFAULT_DAYS } from '#domain/mandate/terms.ts';
import { answerWords } from '#engine/answer-words.ts';
import { isChangedSince } from '#engine/foresee.ts';
import { approvalView, type ApprovalView } from '#engine/approve/view.ts';
import { readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { lookUp, onlyReads } from './answer.ts';
import { ask } from './commands/ask.ts';
import { asPerson, draftGone, routeOf, type Act, type Slack } from './context.ts';
import { breakerRequest } from './breaker.ts';
import { begin, discard, look } from './drafts.ts';
import { checkRequest } from './forms/check.ts';
import { openForm } from './forms/open.ts';
import { denyView } from './forms/denial.ts';
import { openNarrowing } from './forms/narrow.ts';
import { cardOf, propose } from './propose.ts';
import { ACTIONS, readApprovalValue, type ActionId } from './ids.ts';
import type { Identity } from './identity.ts';
import { notice } from './messages/blocks.ts';
import { detailsView } from './messages/details.ts';
import { textView } from './messages/text-view.ts';
import { sceneOf } from '#engine/approve/scene.ts';
import { answerTo, tellOutcome, use } from './run.ts';
import { decide, noApproval, refresh } from './vote.ts';

/** A click as Slack sends it: what the button is called, and the opaque value that it carried. */
export interface Click {
  readonly actionId: string;
  readonly value: string;
  readonly channel: string | null;
}

type Handler = (slack: Slack, act: Act, identity: Identity, click: Click) => Promise<void>;

/**
 * Answers a click. Who clicked is looked up now; nothing of the message counts. A button of an older version
 * says so.
 */
export async function handleClick(slack: Slack, act: Act, click: Click): Promise<void> {
  const [name = ''] = click.actionId.split(':');
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name as ActionId] : undefined;
  await asPerson(slack, act, 'fresh', async (identity) => {
    if (handler === undefined)
      return act.tell(
        notice('This button is of an older version and no longer does anything. Type the command again.'),
      );
    return handler(slack, act, identity, click);
  });
}

const decidesBurst =
  (tool: Parameters<typeof breakerRequest>[2]): Handler =>
  async (slack, act, identity, { value, channel }) => {
    const request = await readonly(slack.app, act.tenantId, (reader) =>
      breakerRequest(reader, identity.person, tool, value),
    );
    await propose(slack, act, identity, channel, request);
  };

const HANDLERS: Readonly<Record<ActionId, Handler>> = {
  [ACTIONS.approve]: async (slack, act, identity, click) => {
    const { id, version } = approvalIn(click);
    await decide(slack, act, identity, { approval_id: id, decision: 'approve', version });
  },
  [ACTIONS.deny]: async (slack, act, identity, click) => {
    const { id, version } = approvalIn(click);
    const view = await visibleView(slack, act, identity, id);
    const draftId = await begin(slack, act, {
      kind: 'deny',
      channel: click.channel,
      approvalId: id,
      version,
    });
    await slack.client.views.open({
      trigger_id: act.triggerId,
      view: denyView(draftId, view.call.summary, daysOf(view)),
    });
  },
  // The browser is on its way to the page; Slack only tells us.
  [ACTIONS.browser]: () => Promise.resolve(),
  [ACTIONS.details]: async (slack, act, identity, click) => {
    const view = await visibleView(slack, act, identity, approvalIn(click).id);
    const scene = await readonly(slack.app, act.tenantId, (reader) => sceneOf(slack.app, reader, view));
    await slack.client.views.open({ trigger_id: act.triggerId, view: detailsView(scene) });
  },
  [ACTIONS.withdraw]: async (slack, act, identity, click) => {
    const { id } = approvalIn(click);
    const outcome = await use(slack, act, identity, {
      tool: 'approval_cancel',
      input: { approval_id: id },
      reason: null,
    });
    if (outcome.status === 'denied') await act.tell(notice(say`Not allowed: ${outcome.denial.message}`));
    else await act.tell(notice('Withdrawn. Nobody can approve it any more.'));
    await refresh(slack, act, id);
  },
  [ACTIONS.refresh]: async (slack, act, _, click) => {
    await refresh(slack, act, approvalIn(click).id);
    await act.tell(notice('The message is up to date now.'));
  },
  [ACTIONS.send]: async (slack, act, identity, { value, channel: place }) => {
    const draft = await look(slack, act, value, 'request');
    const route = routeOf(slack, draft.tool);
    const { summary } = await checkRequest(slack, act.tenantId, identity, route, draft);
    await act.replace(notice(say`Sending: ${summary}`));
    try {
      const outcome = await use(slack, act, identity, draft, { draftId: value, seen: draft.seen ?? null });
      await tellOutcome(slack, act, { entry: route.entry, summary, card: { channel: place } }, outcome);
    } catch (error) {
      if (!isChangedSince(error)) throw error;
      const check = await checkRequest(slack, act.tenantId, identity, route, draft);
      const { channel } = draft;
      await act.replace(await cardOf(slack, act, { route, channel, request: draft, check, again: true }));
    }
  },
  [ACTIONS.edit]: async (slack, act, identity, { value }) => {
    const draft = await look(slack, act, value, 'request');
    const route = routeOf(slack, draft.tool);
    const { usable, notes } = await checkRequest(slack, act.tenantId, identity, route, draft);
    await openForm(slack, act, { route, draftId: value, input: usable, reason: draft.reason, notes });
  },
  [ACTIONS.cancel]: async (slack, act, _, { value }) => {
    await look(slack, act, value, 'request');
    await discard(slack, act, value);
    await act.replace(notice('Cancelled. Nothing was sent.'));
  },
  [ACTIONS.form]: async (slack, act, identity, { value, channel }) => {
    const route = routeOf(slack, value);
    // A list that needs nothing said is shown at once.
    if (onlyReads(route) && !route.fields.some(({ required }) => required))
      return ask(slack, act, identity, {
        route,
        channel,
        request: { tool: value, input: {}, reason: null },
        problems: [],
      });
    const draftId = await begin(slack, act, {
      kind: 'request',
      channel,
      tool: value,
      input: {},
      reason: null,
    });
    await openForm(slack, act, { route, draftId, input: {}, reason: null, notes: new Map() });
  },
  [ACTIONS.item]: async (slack, act, identity, { actionId, value }) => {
    const { channel, buttons } = await look(slack, act, value, 'answer');
    const chosen = buttons[Number(actionId.split(':')[1])];
    if (chosen === undefined) throw draftGone();
    const { tool, input, reason = null, form } = chosen;
    const route = routeOf(slack, tool);
    await ask(slack, act, identity, { route, channel, request: { tool, input, reason }, problems: [], form });
  },
  [ACTIONS.page]: async (slack, act, identity, { actionId, value }) => {
    const { channel, tool, input, place, next } = await look(slack, act, value, 'answer');
    const back = place.length > 1 ? place.slice(0, -1) : place;
    const at = actionId.endsWith(':back') ? back : next === null ? place : [...place, next];
    const route = routeOf(slack, tool);
    if (!onlyReads(route)) throw draftGone();
    const asked = { route, channel, request: { tool, input, reason: null }, place: at };
    await act.replace(await lookUp(slack, act, identity, asked, route.entry.tool.title));
  },
  [ACTIONS.text]: async (slack, act, identity, { value }) => {
    const { tool, input } = await look(slack, act, value, 'answer');
    const route = routeOf(slack, tool);
    if (!onlyReads(route)) throw draftGone();
    const { entry } = route;
    const outcome = await use(slack, act, identity, { tool, input, reason: null });
    const text = outcome.status === 'done' ? answerWords(entry.tool).text?.(outcome.output) : null;
    if (text == null) return act.tell(await answerTo(slack, act.tenantId, entry, entry.tool.title, outcome));
    await slack.client.views.open({ trigger_id: act.triggerId, view: textView(text.label, text.whole) });
  },
  [ACTIONS.narrow]: async (slack, act, identity, click) => {
    const { id, version } = approvalIn(click);
    const view = await visibleView(slack, act, identity, id);
    await openNarrowing(slack, act, view, { channel: click.channel, version });
  },
  [ACTIONS.adopt]: async (slack, act, identity, click) => {
    const { id } = approvalIn(click);
    await visibleView(slack, act, identity, id);
    const input = { approval_id: id };
    await propose(slack, act, identity, click.channel, { tool: 'approval_adopt', input, reason: null });
  },
  [ACTIONS.carryOut]: decidesBurst('breaker_apply'),
  [ACTIONS.dismiss]: decidesBurst('breaker_dismiss'),
  [ACTIONS.takeOver]: async (slack, act, identity, { value, channel }) => {
    const agent = await readonly(slack.app, act.tenantId, (reader) => findAgent(reader, value));
    const owner = identity.person.id;
    if (agent === null || agent.offeredTo !== owner)
      throw new Fault('conflict', 'This agent is not offered to you any more.');
    await propose(slack, act, identity, channel, {
      tool: 'agent_transfer',
      input: { agent: agent.id, owner },
      reason: null,
    });
  },
};

/** For how many days a mandate is asked, where the request itself says so. */
function daysOf({ call }: ApprovalView): number | null {
  if (call.tool !== 'mandate_create') return null;
  const { days, template } = call.input as { days?: number; template?: string };
  return days ?? (template === undefined ? DEFAULT_DAYS : null);
}

function approvalIn({ value }: Click): { id: string; version: number } {
  const parts = readApprovalValue(value);
  if (parts === null) throw noApproval();
  return parts;
}

/**
 * The approval for somebody who may see it: the requester, who voted, or who can. The same fault for one that
 * is not there.
 */
async function visibleView(
  slack: Slack,
  { tenantId }: Act,
  { person }: Identity,
  id: string,
): Promise<ApprovalView> {
  const view = await readonly(slack.app, tenantId, (reader) => approvalView(reader, id));
  if (view === null) throw noApproval();
  const able = view.requirements.flatMap(({ eligible }) => eligible);
  const parties = [
    view.principal,
    view.agent?.owner ?? null,
    ...view.votes.map(({ voter }) => voter),
    ...able,
  ];
  if (parties.some((one) => one?.id === person.id)) return view;
  const who = [...new Set(able.map((one) => one.displayName))].sort().join(', ');
  throw new Fault(
    'forbidden',
    `You are not an approver of this request, and you did not make it. Who can decide: ${who === '' ? 'nobody any more' : who}.`,
  );
}
