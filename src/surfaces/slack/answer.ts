import { oneLine, say, type Line } from '#lib/sanitise.ts';
import type { Button, KnownBlock } from '@slack/types';
import type { PersonActor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { couldUse } from '#engine/could-use.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readonly } from '#engine/transact.ts';
import type { Route } from './commands/registry.ts';
import { routeOf, type Act, type Slack } from './context.ts';
import { begin } from './drafts.ts';
import type { Identity } from './identity.ts';
import { ACTIONS, approvalValue } from './ids.ts';
import { actions, button, line, smallPrint, words, type Message } from './messages/blocks.ts';
import { buttonsIn, drawTold, tell, type Filled, type Told } from './messages/output.ts';
import { topText } from './messages/text.ts';
import { beginning, inputAt, pageAt, type Page, type Place } from './pages.ts';
import type { Request } from './request.ts';
import { answerTo, use } from './run.ts';

/** A request, where it was made, and the page of its answer that is wanted. */
export interface Asked {
  readonly route: Pick<Route, 'entry'>;
  readonly channel: string | null;
  readonly request: Request;
  readonly place?: Place;
}

/** Whether the tool only reads: its answer is a list or a look at one thing, and nothing is asked before. */
export const onlyReads = ({ entry }: Pick<Route, 'entry'>): boolean =>
  entry.tool.effects === 'read' || entry.tool.effects === 'look';

/**
 * Uses a tool that only reads, and says its answer: a page of a list, or one thing, with the buttons that
 * this person can use on it.
 */
export async function lookUp(
  slack: Slack,
  act: Act,
  identity: Identity,
  { route, channel, request, place = beginning(request.input) }: Asked,
  summary: string,
): Promise<Message> {
  const { entry } = route;
  const outcome = await use(slack, act, identity, {
    ...request,
    input: inputAt(entry, request.input, place),
  });
  if (outcome.status !== 'done') return answerTo(slack, act.tenantId, entry, summary, outcome);
  return draw(slack, act, identity, { route, channel, request, place }, outcome);
}

async function draw(
  slack: Slack,
  act: Act,
  { actor, person }: Identity,
  { route: { entry }, channel, request, place }: Required<Asked>,
  { output }: Extract<Outcome, { status: 'done' }>,
): Promise<Message> {
  const page = pageAt(entry, request.input, place, output);
  const { told, usable } = await readonly(slack.app, act.tenantId, async (reader) => {
    const names = await namesIn(reader, output);
    const asking = { personId: person.id, asked: request.input, names };
    const all = tell(entry, page.output, asking, page.shown);
    return { told: all, usable: await usableIn(slack, reader, actor, all) };
  });
  const held = usable.size > 0 || page.next !== null || place.length > 1 || told.text !== null;
  const draftId = held
    ? await begin(slack, act, {
        kind: 'answer',
        channel,
        tool: entry.tool.name,
        input: request.input,
        place,
        next: page.next,
        buttons: [...usable],
      })
    : '';
  const buttonOf = (filled: Filled): Button | null => {
    const index = [...usable].indexOf(filled);
    return index < 0 ? null : itemButton(filled, index, draftId);
  };
  const textButton = (label: Line): Button => button(label, ACTIONS.text, draftId);
  const blocks = drawTold(told, buttonOf, textButton);
  const hasLists = told.lists.length > 0;
  const title: KnownBlock[] = hasLists ? [] : [line(words(say`${entry.tool.title}`, { bold: true }))];
  return {
    text: topText(textOf(told, entry.tool.title)),
    blocks: [...title, ...blocks, ...turning(page, place, draftId)],
  };
}

/** What a notification says: the heading of the list, or what stands in place of an empty one. */
function textOf({ lists: [first] }: Told, title: string): string {
  if (first === undefined) return title;
  return first.items.length === 0 ? (first.empty ?? first.heading) : first.heading;
}

/**
 * Those of the buttons that policy lets this person use, now or after an approval; each is decided anew when
 * it is used.
 */
async function usableIn(
  slack: Slack,
  reader: TenantReader,
  actor: PersonActor,
  told: Told,
): Promise<ReadonlySet<Filled>> {
  const all = await Promise.all(
    buttonsIn(told).map(async (filled) => {
      if (filled.details !== undefined) return [filled];
      const { entry } = routeOf(slack, filled.tool);
      return (await couldUse(slack.app, reader, actor, entry, filled.input)) ? [filled] : [];
    }),
  );
  return new Set(all.flat());
}

const itemButton = (
  { text, form, tool, danger, details }: Filled,
  index: number,
  draftId: string,
): Button => {
  // Details are of the approval as it is then: no version matters.
  if (details !== undefined)
    return button(oneLine(text), `${ACTIONS.details}:${index}`, approvalValue(details, 0));
  return button(
    form || danger ? say`${text}…` : say`${text}`,
    `${ACTIONS.item}:${index}:${tool}`,
    draftId,
    danger ? 'danger' : undefined,
  );
};

function turning({ next, shown }: Page, place: Place, draftId: string): KnownBlock[] {
  const buttons = [
    ...(place.length > 1 ? [button('Back', `${ACTIONS.page}:back`, draftId)] : []),
    ...(next === null ? [] : [button('Next', `${ACTIONS.page}:next`, draftId)]),
  ];
  if (shown === null || buttons.length === 0) return [];
  return [actions(...buttons)];
}

/** A list to choose from, where something that was typed fits several things. */
export async function choosing(
  slack: Slack,
  act: Act,
  { channel, request }: Pick<Asked, 'channel' | 'request'>,
  question: Line,
  choices: readonly { readonly elements: Parameters<typeof line>; readonly input: Request['input'] }[],
): Promise<Message> {
  const buttons = choices.map(({ input }) => ({
    text: 'This one',
    tool: request.tool,
    input: { ...request.input, ...input },
    reason: request.reason,
    form: false,
    danger: false,
  }));
  const draftId = await begin(slack, act, {
    kind: 'answer',
    channel,
    tool: request.tool,
    input: request.input,
    place: [null],
    next: null,
    buttons,
  });
  return {
    text: topText(question),
    blocks: [
      line(words(question, { bold: true })),
      ...choices.flatMap(({ elements }, index) => [
        line(...elements),
        actions(button('This one', `${ACTIONS.item}:${index}:${request.tool}`, draftId)),
      ]),
      smallPrint(say`Nothing has been done yet.`),
    ],
  };
}
