import { oneLine, say } from '#lib/sanitise.ts';
import type { Button, KnownBlock } from '@slack/types';
import { FINAL_STATES, type CallState } from '#domain/call/call.ts';
import { approverNames, describeShortage } from '#engine/approve/view.ts';
import { yourState } from '#engine/approve/your-state.ts';
import { ACTIONS, approvalValue } from '../ids.ts';
import {
  actions,
  button,
  fieldLines,
  labelled,
  header,
  line,
  linkButton,
  moment,
  momentText,
  preformatted,
  quote,
  smallPrint,
  words,
  type MessageField,
  type Message,
} from './blocks.ts';
import { errorText } from './outcome.ts';
import type { Scene } from '#engine/approve/scene.ts';
import { mrkdwn, shortened, topText, type Mrkdwn } from './text.ts';

/** For whom a copy is drawn: who may decide, or who asked. */
export type Audience = 'approver' | 'requester';

/** Whose copy it is. */
interface Reader {
  readonly audience: Audience;
  /** Null for a copy that several people read, as in a channel. */
  readonly personId: string | null;
  /** What the provider or our rows answered, once it is done; for whoever asked. */
  readonly result?: readonly KnownBlock[];
}

/** How many blocks Slack takes in one message. */
const MAX_BLOCKS = 50;

/** How many of them the result has in any case, where there are many votes too. */
const RESULT_BLOCKS = 25;

/** How much of what will run the message itself shows, in characters. */
const SHOWN = 1200;

/**
 * One approval as one message, in every state, for one reader; it becomes the result. A pure function of the
 * scene: the same scene gives the same message, so that an equal hash means that nothing needs to be edited.
 * Other people's words stand in literal text nodes only. Where Slack takes no more blocks, earlier votes and
 * the end of the result are left out, and the message says so; what is being decided never is.
 */
export function approvalMessage(scene: Scene, reader: Reader): Message {
  const { view, lines } = scene;
  const { call, approval } = view;
  const status = statusOf(scene);
  const opening = status ?? (view.votes.length === 0 ? null : yourState(view, reader.personId).inWords);
  const run = call.summary.startsWith(scene.toolTitle) ? lines : [scene.toolTitle, ...lines];
  const before: KnownBlock[] = [
    ...(opening === null ? [] : [line(words(oneLine(opening), { bold: true }))]),
    header(oneLine(call.summary)),
    ...(approval.impact.nothing === true
      ? [line(words(say`Nothing to do: ${scene.effect}`, { bold: true }))]
      : []),
    fieldLines(pairs(scene)),
    ...short(scene, reader.audience),
    ...(call.reason === null
      ? []
      : [
          line(words(view.agent === null ? 'Reason' : 'Reason, written by an agent', { italic: true })),
          quote(shortened(call.reason, 1500)),
        ]),
    ...(run.length === 0 ? [] : [line(words('Exactly what will run', { bold: true }))]),
    ...(run.length === 0 ? [] : preformatted(run, SHOWN)),
  ];
  const after: KnownBlock[] = [
    smallPrint(say`${progress(scene)} · ${approval.id} · digest ${approval.digest.slice(0, 8)}`),
    actions(...buttons(scene, reader)),
  ];
  const more = escalated(scene);
  const { result = [] } = reader;
  const room = MAX_BLOCKS - before.length - more.length - after.length;
  const votes = voteLines(scene, reader.audience, room - Math.min(result.length, RESULT_BLOCKS));
  const blocks = [...before, ...votes, ...more, ...upTo(result, room - votes.length), ...after];
  return { text: notification(scene, reader.audience, opening), blocks };
}

function pairs(scene: Scene): MessageField[] {
  const { view, mandate, targets } = scene;
  const { approval, agent, call } = view;
  const owner = agent?.owner == null ? '' : `, owned by ${agent.owner.displayName}`;
  const through = agent === null ? '' : `, through agent ${agent.name}${owner}`;
  const uses =
    mandate === null
      ? ''
      : ` (used ${mandate.uses}${mandate.maxUses === null ? '' : ` of ${mandate.maxUses}`} times)`;
  const many = targets.length > 10 ? [...targets.slice(0, 10), `and ${targets.length - 10} more`] : targets;
  // The title names an agent as it is; of people it has names alone, which prove nothing without the login.
  const named = targets.every((target) => call.summary.includes(target));
  return [
    ...(named ? [] : [labelled('For', [words(oneLine(many.join(', ')))])]),
    labelled('Asked by', [words(say`${scene.askedBy}${through}`)]),
    ...(mandate === null
      ? []
      : [
          labelled('Mandate', [
            words(oneLine(shortened(`${mandate.purpose}${uses}`, 300))),
            words(say` ${mandate.id}`, { code: true }),
          ]),
        ]),
    ...(approval.impact.nothing === true ? [] : [labelled('Effect', [words(scene.effect)])]),
    labelled('Needs', [words(oneLine(scene.asks.join(' ')))]),
    ...(approval.state === 'pending' ? waiting(scene) : []),
  ];
}

/** Who can still decide, and until when: of the request, and not of the mandate that it may be about. */
function waiting({ view }: Scene): MessageField[] {
  const voted = view.votes.length > 0;
  const names = voted ? yourState(view, null).left : approverNames(view);
  return [
    ...(names.length === 0
      ? []
      : [
          labelled(voted ? 'Left to approve' : 'Who can approve', [
            words(oneLine(shortened(names.join(', '), 900, '…'))),
          ]),
        ]),
    labelled('This request expires', [moment(view.approval.expiresAt)]),
  ];
}

/** That too few people can approve it, and what that leads to. */
function short({ view, emergency }: Scene, audience: Audience): KnownBlock[] {
  const few = describeShortage(view);
  if (few === null) return [];
  const way =
    audience === 'requester' && emergency !== null
      ? 'You can still use break-glass: the request runs at once, and somebody else reviews it afterwards.'
      : 'Unless that changes, this request will expire.';
  return [line(words(say`${few} ${way}`, { bold: true }))];
}

/** The first of these blocks, at most `room`; the last of them says how many others there are. */
function upTo(blocks: readonly KnownBlock[], room: number): readonly KnownBlock[] {
  if (blocks.length <= room) return blocks;
  const shown = blocks.slice(0, room - 1);
  return [...shown, smallPrint(say`… and ${blocks.length - shown.length} more parts of the result`)];
}

/**
 * Who voted, when and with which words; what could be asked for instead, for whoever asked. At most `room`
 * blocks: where there are more, the last votes, whole, after a line that says how many came before them.
 */
export function voteLines(scene: Pick<Scene, 'view'>, audience: Audience, room: number): KnownBlock[] {
  const votes = eachVote(scene, audience);
  if (votes.flat().length <= room) return votes.flat();
  let first = votes.length;
  for (let left = room - 1; first > 0 && (votes[first - 1]?.length ?? 0) <= left; first -= 1)
    left -= votes[first - 1]?.length ?? 0;
  return [smallPrint(say`… and ${first} more votes before these`), ...votes.slice(first).flat()];
}

/** The blocks of each vote, oldest first. */
const eachVote = ({ view }: Pick<Scene, 'view'>, audience: Audience): KnownBlock[][] =>
  view.votes.map(({ voter, vote, note, suggestion, at }) => [
    line(words(say`${vote === 'approve' ? 'Approved' : 'Denied'} by ${voter.displayName} · `), moment(at)),
    ...(note === null ? [] : [quote(shortened(note, 1000))]),
    ...(suggestion === null
      ? []
      : [
          line(
            words(vote === 'deny' ? 'Suggested instead' : 'Approved with narrower terms', { italic: true }),
          ),
          quote(shortened(suggestion.words, 1000)),
        ]),
    ...(audience === 'approver' || vote === 'approve' || suggestion?.terms === undefined
      ? []
      : [
          line(
            words(
              say`To request exactly that, press Use these terms, or type /approval adopt ${view.approval.id}`,
            ),
          ),
        ]),
  ]);

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

function buttons(scene: Scene, { audience, personId }: Reader): Button[] {
  const { view } = scene;
  const value = approvalValue(view.approval.id, view.approval.version);
  const details = button('Details', ACTIONS.details, value);
  if (view.approval.state !== 'pending') {
    const adoptable =
      audience === 'requester' &&
      view.call.state === 'rejected' &&
      view.votes.some(({ vote, suggestion }) => vote === 'deny' && suggestion?.terms !== undefined);
    return [
      ...(adoptable ? [button('Use these terms', ACTIONS.adopt, value, 'primary')] : []),
      details,
      ...(FINAL_STATES.has(view.call.state) ? [] : [button('Refresh', ACTIONS.refresh, value)]),
    ];
  }
  if (audience === 'requester')
    return [
      button('Withdraw request', ACTIONS.withdraw, value),
      details,
      ...(scene.emergency === null
        ? []
        : [linkButton('Break glass…', ACTIONS.browser, value, scene.emergency, 'danger')]),
    ];
  return decisionButtons(scene, personId);
}

/** What an approver can press: only Details once it is decided, and for whoever has voted. */
export function decisionButtons({ view, page }: Scene, personId: string | null): Button[] {
  const { approval, call, votes } = view;
  const value = approvalValue(approval.id, approval.version);
  const details = button('Details', ACTIONS.details, value);
  if (approval.state !== 'pending' || yourState(view, personId).you === 'voted') return [details];
  // Where only some requirements want step-up, others may still approve here.
  const here = page === null || approval.requirements.some((one) => !one.stepUp);
  // Once somebody has approved what they saw, it cannot change any more.
  const smaller = call.tool === 'mandate_create' && votes.length === 0;
  return [
    ...(page === null ? [] : [linkButton('Approve in browser', ACTIONS.browser, value, page)]),
    ...(here ? [button('Approve', ACTIONS.approve, value, page === null ? 'primary' : undefined)] : []),
    ...(smaller ? [button('Approve narrower', ACTIONS.narrow, value)] : []),
    button('Deny…', ACTIONS.deny, value, 'danger'),
    details,
  ];
}

type Status = (yes: string, who: string, why: string) => string | null;

/** "Approved" never reads as "done". */
const STATUS = {
  waiting: () => null,
  ready: (yes) => `${yes}. Running it now.`,
  running: (yes) => `${yes}. Running it now.`,
  succeeded: (yes) => `Done. ${yes}.`,
  failed: (yes, _, why) => `${yes}, but it failed: ${why}`,
  unknown: (yes, _, why) => `${yes}. We do not know whether it took effect: ${why}`,
  denied: (yes, _, why) => `${yes}, but no longer allowed when it was to run: ${why}`,
  rejected: (_, who) => `Denied${who}.`,
  expired: () => 'Expired: nobody decided in time. The request can be made again.',
  withdrawn: (_yes, _who, why) => why || 'Withdrawn.',
  superseded: () => 'Replaced: something changed, so we ask again in a new message.',
} as const satisfies Record<CallState, Status>;

/** Where it stands, in one sentence, or null while it waits. */
export function statusOf({ view }: Pick<Scene, 'view'>): string | null {
  const { call, approval, votes } = view;
  const deciding = votes
    .filter(({ vote }) => vote === (call.state === 'rejected' ? 'deny' : 'approve'))
    .map(({ voter }) => voter.displayName);
  const who = deciding.length === 0 ? '' : ` by ${deciding.join(' and ')}`;
  const yes = approval.state === 'waived' ? 'Approvals waived with break-glass' : `Approved${who}`;
  return (STATUS[call.state] as Status)(yes, who, call.error === null ? '' : errorText(call.error));
}

function notification({ view, askedBy }: Scene, audience: Audience, said: string | null): Mrkdwn {
  const { call, approval, agent } = view;
  const through = agent === null ? '' : ` (agent ${agent.name})`;
  const names = approverNames(view);
  const by = names.length === 0 ? '' : ` by ${shortened(names.join(' or '), 900, '…')}`;
  const opening = said ?? (audience === 'requester' ? `Waiting for approval${by}` : 'Approval needed');
  const pending = approval.state === 'pending';
  const asked = pending ? `, asked by ${askedBy}${through}.` : '';
  const sentence = `${opening}${opening.endsWith('.') ? '' : ':'} ${call.summary}${asked}`;
  return topText(sentence, pending ? mrkdwn` This request expires ${momentText(approval.expiresAt)}.` : '');
}
