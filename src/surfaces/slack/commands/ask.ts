import { byName, type Choice } from '#engine/by-name.ts';
import { findImpossible } from '#engine/foresee.ts';
import { referenceFields } from '#engine/references.ts';
import { readonly } from '#engine/transact.ts';
import { oneLine, say } from '#lib/sanitise.ts';
import { choosing, lookUp, onlyReads } from '../answer.ts';
import { faultText } from '../faults.ts';
import type { Act, Slack } from '../context.ts';
import { begin } from '../drafts.ts';
import { checkRequest, type Checked } from '../forms/check.ts';
import { openForm } from '../forms/open.ts';
import type { Problem } from '../forms/read.ts';
import type { Identity } from '../identity.ts';
import { ACTIONS } from '../ids.ts';
import { button, notice } from '../messages/blocks.ts';
import { elementsOf } from '../messages/output.ts';
import { cardOf } from '../propose.ts';
import type { Request } from '../request.ts';
import type { Route } from './registry.ts';

/** What somebody asks for with a command or a button, before anything is known of whether it can be. */
export interface Asking {
  readonly route: Route;
  /** Where they asked. */
  readonly channel: string | null;
  readonly request: Request;
  /** What was typed and not understood. */
  readonly problems: readonly Problem[];
  /** The form is opened also where nothing is missing. */
  readonly form?: boolean;
}

/**
 * Answers it: with what was asked for, where it only reads; with a card to confirm; with the form, where
 * something is missing; with a list to choose from, where a name fits several things; or with why it cannot
 * be done. Runs nothing that changes anything.
 */
export async function ask(slack: Slack, act: Act, identity: Identity, asked: Asking): Promise<void> {
  const { route, channel, problems, form = false } = asked;
  const request = await resolveNames(slack, act, identity, asked);
  if (request === null) return;
  const check = await checkRequest(slack, act.tenantId, identity, route, request);
  if (form || problems.length + check.problems.size > 0)
    return openFor(slack, act, { ...asked, request }, check);
  if (onlyReads(route))
    return act.tell(await lookUp(slack, act, identity, { route, channel, request }, check.summary));
  if (check.foreseen === null) {
    const { actor } = identity;
    const input = { ...request.input };
    const fault = await readonly(slack.app, act.tenantId, (reader) =>
      findImpossible(slack.app, reader, { actor, entry: route.entry, input }),
    );
    if (fault !== null) return act.tell(notice(oneLine(faultText(fault))));
  }
  await act.tell(await cardOf(slack, act, { route, channel, request, check }));
}

async function openFor(
  slack: Slack,
  act: Act,
  { route, channel, request, problems }: Asking,
  check: Checked,
): Promise<void> {
  const draftId = await begin(slack, act, { kind: 'request', channel, ...request });
  const notes = new Map([...check.notes, ...byField(problems)]);
  await openForm(slack, act, { route, draftId, input: check.usable, reason: request.reason, notes });
}

/** One note for each field. */
function byField(problems: readonly Problem[]): Map<string, string> {
  const notes = new Map<string, string>();
  for (const [field, words] of problems)
    notes.set(field, [notes.get(field), words].filter((one) => one !== undefined).join(' '));
  return notes;
}

/** What each kind of thing is called, and the tool that lists them. */
const KINDS = {
  mandate: { noun: 'mandate', list: 'mandate_list' },
  approval: { noun: 'request', list: 'approval_list' },
  group: { noun: 'group', list: 'group_mapping_list' },
} as const;
type Kind = keyof typeof KINDS;

const isKind = (kind: string): kind is Kind => Object.hasOwn(KINDS, kind);

/**
 * The request with immutable ids in place of the names that were typed for mandates, requests and groups.
 * Null where the person was told instead that a name fits nothing that they may see, or was asked which of
 * several they mean.
 */
async function resolveNames(
  slack: Slack,
  act: Act,
  { actor }: Identity,
  { route, channel, request }: Asking,
): Promise<Request | null> {
  let input = request.input;
  for (const [field, kind] of referenceFields(route.entry)) {
    const text = input[field];
    if (!isKind(kind) || typeof text !== 'string' || text.trim() === '') continue;
    const found = await readonly(slack.app, act.tenantId, (reader) =>
      byName(slack.app, reader, actor, { entry: route.entry, input, field, kind, text: text.trim() }),
    );
    if (found === null) continue;
    const [only, ...others] = found;
    if (only === undefined) {
      await act.tell(nothingNamed(slack, kind, text));
      return null;
    }
    if (others.length > 0) {
      await act.tell(await which(slack, act, { channel, request: { ...request, input } }, text, found));
      return null;
    }
    input = { ...input, ...only.input };
  }
  return { ...request, input };
}

/** So many are offered to choose from. */
const OFFERED = 15;

const which = (
  slack: Slack,
  act: Act,
  asked: Pick<Asking, 'channel' | 'request'>,
  text: string,
  found: readonly Choice[],
) =>
  choosing(
    slack,
    act,
    asked,
    found.length > OFFERED
      ? say`"${text}" fits ${found.length} of them. These are the first ${OFFERED}. Which one do you mean?`
      : say`"${text}" fits ${found.length} of them. Which one do you mean?`,
    found.slice(0, OFFERED).map(({ said, input }) => ({ elements: elementsOf(said), input })),
  );

function nothingNamed(slack: Slack, kind: Kind, text: string) {
  const { noun, list } = KINDS[kind];
  const route = slack.registry.byTool(list);
  const said = say`There is no ${noun} for "${text}" that you can see. Nothing has been done.`;
  return route === undefined
    ? notice(said)
    : notice(said, button(oneLine(route.entry.tool.title), `${ACTIONS.form}:${list}`, list));
}
