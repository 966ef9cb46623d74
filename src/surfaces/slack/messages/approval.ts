import { oneLine, say } from '#lib/sanitise.ts';
import type { Button, KnownBlock } from '@slack/types';
import { effectWords } from '#domain/impact.ts';
import { FINAL_STATES, type CallState } from '#domain/call/call.ts';
import { approverNames, shortage } from '#engine/approve/view.ts';
import { ACTIONS, approvalValue } from '../ids.ts';
import {
  actions,
  button,
  fact,
  facts,
  header,
  line,
  linkButton,
  moment,
  preformatted,
  quote,
  smallPrint,
  words,
  type Fact,
  type Message,
} from './blocks.ts';
import { errorText } from './outcome.ts';
import type { Scene } from '#engine/approve/scene.ts';
import { escapeMrkdwn, shortened } from './text.ts';

/** For whom a copy is drawn: who may decide, or who asked. */
export type Audience = 'approver' | 'requester';

/** How much of what will run the message itself shows, in characters. */
const SHOWN = 1200;

/**
 * One approval as one message (design/slack-ux.md, 4.2), in every state, for either reader. A pure function of the scene: the same
 * scene gives the same message, so that an equal hash means that nothing needs to be edited. Other people's words stand in literal
 * text nodes only.
 */
export function approvalMessage(scene: Scene, audience: Audience): Message {
  const { view, lines } = scene;
  const { call, approval } = view;
  const status = statusOf(scene);
  const blocks: KnownBlock[] = [
    ...(status === null ? [] : [line(words(oneLine(status), { bold: true }))]),
    header(oneLine(call.summary)),
    facts(pairs(scene)),
    ...(call.reason === null
      ? []
      : [
          line(words(view.agent === null ? 'Reason' : 'Reason, written by an agent', { italic: true })),
          quote(shortened(call.reason, 1500)),
        ]),
    line(words('Exactly what will run', { bold: true })),
    ...preformatted([scene.toolTitle, ...lines], SHOWN),
    ...voteLines(scene),
    ...escalated(scene),
    smallPrint(
      say`${progress(scene)} · ${approval.id} · digest ${approval.digest.slice(0, 8)}`,
      ...(status === null ? whoCan(scene, audience).map(oneLine) : []),
    ),
    actions(...buttons(scene, audience)),
  ];
  return { text: notification(scene, audience, status), blocks };
}

function pairs(scene: Scene): Fact[] {
  const { view, mandate } = scene;
  const { approval, agent } = view;
  const { impact } = approval;
  const owner = agent?.owner == null ? '' : `, owned by ${agent.owner.displayName}`;
  const through = agent === null ? '' : `, through agent ${agent.name}${owner}`;
  const uses =
    mandate === null
      ? ''
      : ` (used ${mandate.uses}${mandate.maxUses === null ? '' : ` of ${mandate.maxUses}`} times)`;
  const many =
    scene.targets.length > 10
      ? [...scene.targets.slice(0, 10), `and ${scene.targets.length - 10} more`]
      : scene.targets;
  return [
    fact('For', [words(oneLine(many.length === 0 ? 'the organisation' : many.join(', ')))]),
    fact('Asked by', [words(say`${scene.askedBy}${through}`)]),
    ...(mandate === null
      ? []
      : [
          fact('Mandate', [
            words(oneLine(shortened(`${mandate.purpose}${uses}`, 300))),
            words(say` ${mandate.id}`, { code: true }),
          ]),
        ]),
    fact('Effect', [words(oneLine(effectWords(impact)))]),
    fact('Policy', [words(oneLine(scene.asks.join(' ')))]),
    ...(approval.state === 'pending' ? [fact('Expires', [moment(approval.expiresAt)])] : []),
  ];
}

function voteLines({ view }: Scene): KnownBlock[] {
  return view.votes.flatMap(({ voter, vote, note, suggestion, at }) => [
    line(words(say`${vote === 'approve' ? 'Approved' : 'Denied'} by ${voter.displayName} · `), moment(at)),
    ...(note === null ? [] : [quote(shortened(note, 1000))]),
    ...(suggestion === null
      ? []
      : [
          line(words(vote === 'deny' ? 'Suggested instead' : 'Made smaller than asked', { italic: true })),
          quote(shortened(suggestion.words, 1000)),
        ]),
    ...(vote === 'approve' || suggestion?.terms === undefined
      ? []
      : [line(words(say`Ask for exactly that with /approval adopt ${view.approval.id}`))]),
  ]);
}

/** Who may decide only since nobody did. */
function escalated({ view }: Scene): KnownBlock[] {
  const { escalatedAt, state } = view.approval;
  if (escalatedAt === null || state !== 'pending') return [];
  const added = new Set(view.requirements.flatMap((one) => one.added.map((person) => person.displayName)));
  const who = added.size === 0 ? '' : `: ${shortened([...added].sort().join(', '), 900, '…')} can decide too`;
  return [line(words('Escalated '), moment(escalatedAt), words(oneLine(who)))];
}

function progress({ view }: Scene): string {
  const parts = view.requirements.map(({ requirement, given }) => `${given} of ${requirement.quorum}`);
  return view.approval.state === 'pending' ? `${parts.join(', ')} approvals` : view.approval.state;
}

function whoCan({ view, emergency }: Scene, audience: Audience): string[] {
  const names = approverNames(view);
  const who = names.length === 0 ? [] : [`Who can approve: ${shortened(names.join(', '), 900, '…')}`];
  const short = shortage(view);
  if (short === null) return who;
  const way =
    audience === 'requester' && emergency !== null
      ? 'Break-glass is the way left to you: it is carried out at once, and reviewed afterwards.'
      : 'As things are, it will expire.';
  return [...who, `${short} ${way}`];
}

function buttons(scene: Scene, audience: Audience): Button[] {
  const { view } = scene;
  const value = approvalValue(view.approval.id, view.approval.version);
  const details = button('Details', ACTIONS.details, value);
  if (view.approval.state !== 'pending')
    return FINAL_STATES.has(view.call.state)
      ? [details]
      : [details, button('Refresh', ACTIONS.refresh, value)];
  if (audience === 'requester')
    return [
      button('Withdraw', ACTIONS.withdraw, value),
      details,
      ...(scene.emergency === null
        ? []
        : [linkButton('Break glass…', ACTIONS.browser, value, scene.emergency, 'danger')]),
    ];
  return decisionButtons(scene);
}

/** What an approver can press: only Details once it is decided. */
export function decisionButtons({ view, page }: Scene): Button[] {
  const { approval, call, votes } = view;
  const value = approvalValue(approval.id, approval.version);
  const details = button('Details', ACTIONS.details, value);
  if (approval.state !== 'pending') return [details];
  // Where only some requirements want step-up, others may still approve here.
  const here = page === null || approval.requirements.some((one) => !one.stepUp);
  // Once somebody has approved what they saw, it cannot change any more.
  const smaller = call.tool === 'mandate_create' && votes.length === 0;
  return [
    ...(page === null ? [] : [linkButton('Approve in browser', ACTIONS.browser, value, page)]),
    ...(here ? [button('Approve', ACTIONS.approve, value, page === null ? 'primary' : undefined)] : []),
    ...(smaller ? [button('Narrow…', ACTIONS.narrow, value)] : []),
    button('Deny…', ACTIONS.deny, value, 'danger'),
    details,
  ];
}

type Status = (yes: string, who: string, why: string) => string | null;

/** "Approved" never reads as "done". */
const STATUS = {
  waiting: () => null,
  ready: (yes) => `${yes}. It is being carried out.`,
  running: (yes) => `${yes}. It is being carried out.`,
  succeeded: (yes) => `Done. ${yes}.`,
  failed: (yes, _, why) => `${yes}, but it failed: ${why}`,
  unknown: (yes, _, why) => `${yes}; whether it took effect is not known: ${why}`,
  denied: (yes, _, why) => `${yes}, but refused when it was to be carried out: ${why}`,
  rejected: (_, who) => `Denied${who}.`,
  expired: () => 'Expired: nobody decided in time.',
  withdrawn: (_yes, _who, why) => why || 'Withdrawn.',
  superseded: () => 'Replaced: something changed meanwhile, so it is asked again in a new message.',
} as const satisfies Record<CallState, Status>;

/** Where it stands, in one sentence, or null while it waits. */
export function statusOf({ view }: Scene): string | null {
  const { call, approval, votes } = view;
  const deciding = votes
    .filter(({ vote }) => vote === (call.state === 'rejected' ? 'deny' : 'approve'))
    .map(({ voter }) => voter.displayName);
  const who = deciding.length === 0 ? '' : ` by ${deciding.join(' and ')}`;
  const yes = approval.state === 'waived' ? 'Approvals waived with break-glass' : `Approved${who}`;
  return (STATUS[call.state] as Status)(yes, who, call.error === null ? '' : errorText(call.error));
}

function notification({ view, askedBy }: Scene, audience: Audience, status: string | null): string {
  const { call, approval, agent } = view;
  const through = agent === null ? '' : ` (agent ${agent.name})`;
  const until = `${approval.expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const opening = status ?? (audience === 'requester' ? 'Waiting for approval' : 'Approval needed');
  const rest = status === null ? `, asked by ${askedBy}${through}. Expires ${until}.` : '';
  return shortened(escapeMrkdwn(`${opening}: ${call.summary}${rest}`), 2900, '…');
}
