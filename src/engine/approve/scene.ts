import { isByToken, type Actor } from '#domain/actor.ts';
import { findAgent } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { effectWords, type Change, type Impact } from '#domain/impact.ts';
import { findMandate, type Mandate } from '#domain/mandate/store.ts';
import { markedLines, oneLine, say, type Line } from '#lib/sanitise.ts';
import type { App } from '../app.ts';
import { inOrder, labelOf, namesIn, shown, withNames } from '../in-words.ts';
import { mayBreakGlass } from './break-glass.ts';
import { approvalPage } from './page.ts';
import { approverWords } from './approver-words.ts';
import type { ApprovalView } from './view.ts';

/** An approval with every name that a message or page about it needs. */
export interface Scene {
  readonly view: ApprovalView;
  readonly toolTitle: Line;
  /** The targets by their names in the directory, with logins. */
  readonly targets: readonly Line[];
  /** The requester, such as "Bob Meyer (bob@acme.example)". */
  readonly askedBy: Line;
  readonly mandate: Pick<Mandate, 'id' | 'purpose' | 'uses' | 'maxUses'> | null;
  /** What it would do, in words, names in place of ids; nothing else says it again. */
  readonly effect: Line;
  /** What will run, line by line, names in place of ids; whole, the message shortens it. */
  readonly lines: readonly Line[];
  /** What each requirement asks for. */
  readonly asks: readonly Line[];
  /** The page where it is decided with step-up. Null if no requirement asks for step-up. */
  readonly page: string | null;
  /** The same page for a requester who may use break-glass. Null for everybody else. */
  readonly emergency: string | null;
}

/** What a bearer token asked is not the person's own word, so approvers see which client held the token. */
const askedWith = (actor: Actor): Line[] =>
  actor.kind === 'person' && isByToken(actor)
    ? [say`Requested with an access token of the client ${actor.identity['cid'] ?? '(unknown)'}`]
    : [];

// Fields whose text may have several lines.
const MULTILINE = /^text$/;

/**
 * The longest effect, in characters, that every surface shows whole beside the lines: only what it says there
 * need not be said twice.
 */
const SHOWN_WHOLE = 2500;

/**
 * What would change, line by line, names in place of ids. What is made has no before. A sentence that stands
 * in the effect word for word is left out: whoever decides has read it there.
 */
export const changeLines = (
  { changes, effect }: Pick<Impact, 'changes' | 'effect'>,
  names: ReadonlyMap<string, string>,
): Line[] => {
  const read = withNames(effect, names);
  return changes
    .filter((change) => !isSaidIn(read.length > SHOWN_WHOLE ? '' : effect, change))
    .map(({ what, from, to }) => {
      const sides = from === undefined ? [to ?? '(none)'] : [from, to ?? '(none)'];
      return say`${withNames(what, names)}: ${withNames(sides.join(' → '), names)}`;
    });
};

/**
 * Whole sentences alone: words that occur in the effect, also at the end of one of its sentences, may mean
 * something else there.
 */
const isSaidIn = (effect: string, { from, to }: Change): boolean => {
  if (from !== undefined || to === undefined || !to.endsWith('.')) return false;
  const said = new Set(sentencesOf(effect));
  return sentencesOf(to).every((one) => said.has(one));
};

const sentencesOf = (text: string): string[] => text.trim().split(/(?<=[.!?])\s+/);

/** Collects what is shown about an approval. Works also if the tool no longer exists. */
export async function sceneOf(
  app: Pick<App, 'baseUrl' | 'catalogue' | 'loginIssuer'>,
  reader: TenantReader,
  view: ApprovalView,
): Promise<Scene> {
  const { call, approval } = view;
  const entry = app.catalogue.get(call.tool);
  const names = await namesIn(reader, [call.input, call.targets, approval.impact, call.principalId]);
  const properties = (entry?.inputSchema['properties'] ?? {}) as Record<string, { title?: string }>;
  const given = Object.entries(inOrder(call.input, entry?.inputSchema) as Record<string, unknown>).flatMap(
    ([field, value]) => {
      const label = properties[field]?.title ?? labelOf(field);
      // People read a policy line by line; every other value is one line.
      return MULTILINE.test(field) && typeof value === 'string'
        ? markedLines(`${label}: ${value}`)
        : [say`${label}: ${withNames(shown(value, names), names)}`];
    },
  );
  const targets = await Promise.all(
    call.targets.map(async (id) => names.get(id) ?? oneLine((await findAgent(reader, id))?.name ?? id)),
  );
  const page = approvalPage(app.baseUrl, call.tenantId, approval.id);
  return {
    view,
    toolTitle: oneLine(entry?.tool.title ?? call.tool),
    targets,
    askedBy:
      call.principalId === null ? say`a service` : (names.get(call.principalId) ?? oneLine(call.principalId)),
    mandate: call.mandateId === null ? null : await findMandate(reader, call.mandateId),
    effect: oneLine(withNames(effectWords(approval.impact), names)),
    lines: [...askedWith(call.actor), ...given, ...changeLines(approval.impact, names)],
    asks: approval.requirements.map(
      ({ quorum, approver, stepUp, reason }) =>
        say`${quorum} ${quorum === 1 ? 'approval' : 'approvals'}${stepUp ? ', each with step-up,' : ''} from ${approverWords(approver, quorum)}. ${reason}`,
    ),
    page: approval.requirements.some((requirement) => requirement.stepUp) ? page : null,
    emergency: (await mayBreakGlass(app, reader, call)) ? page : null,
  };
}
