import type { ModalView } from '@slack/types';
import { oneLine } from '#lib/sanitise.ts';
import type { Outcome } from '#engine/outcome.ts';
import { asFault } from '#lib/fault.ts';
import type { Route } from '../commands/registry.ts';
import { isRefusal } from '../account.ts';
import { faultMessage, routeOf, type Act, type Slack } from '../context.ts';
import { holdsPrivateKey } from '#lib/private-key.ts';
import { discard, look, PRIVATE_KEY } from '../drafts.ts';
import { problemsOf } from '../faults.ts';
import { recordRefusal } from '../identity.ts';
import { notice } from '../messages/blocks.ts';
import { cardOf } from '../propose.ts';
import type { Request } from '../request.ts';
import { tellOutcome, use } from '../run.ts';
import { objectIn, textIn, type Wire } from '../wire.ts';
import { checkRequest } from './check.ts';
import { formView } from './draw.ts';
import { blockOf } from './elements.ts';
import { placeOf, type Notes } from './layout.ts';
import { enteredIn, type Problem } from './read.ts';
import { isFolded, labelsIn, pathsIn } from './view.ts';

/**
 * What Slack does with a form: closes it, or shows what is wrong at its fields; in `view` where the form that
 * was sent lacks one of them.
 */
export type Submitted =
  | { readonly errors: Readonly<Record<string, string>>; readonly view?: ModalView }
  | { readonly after: () => Promise<void> };

/**
 * Takes a submitted form. What is wrong is answered at the fields, and the draft stays usable; otherwise the
 * request is made once, or, where the fields only name what it would do, shown as a card to confirm. Changes
 * of our own rows are made before Slack is answered, so that what they find wrong shows in the form too;
 * changes at the provider after it. The person and the tool come from the draft and the signed payload, never
 * from the view.
 */
export async function submitForm(slack: Slack, act: Act, view: Wire): Promise<Submitted> {
  const draftId = textIn(view, 'private_metadata');
  const identity = await slack.identities.of(act.tenantId, act.account, 'fresh');
  if (isRefusal(identity)) {
    await recordRefusal(slack.app, act.tenantId, act.account, act.doing, identity);
    return { after: () => act.tell(notice(oneLine(identity.message))) };
  }
  const draft = await look(slack, act, draftId, 'request');
  const route = routeOf(slack, draft.tool);
  const values = objectIn(objectIn(view, 'state'), 'values');
  const entered = enteredIn(route.fields, values, slack.app.catalogue);
  const request: Request = { tool: draft.tool, input: entered.input, reason: entered.reason };
  const refused = (problems: readonly Problem[]): Submitted =>
    answerAt(view, problems, (notes) =>
      formView(route, slack.app.catalogue, draftId, {
        ...request,
        notes,
        names: labelsIn(values),
        more: true,
      }),
    );
  const keys = privateKeysIn(request);
  if (keys.length > 0) return { errors: errorsAt(view, keys) ?? {} };
  const check = await checkRequest(slack, act.tenantId, identity, route, request);
  // One for each field: what cannot be read is not also missing.
  const problems = [...new Map([...check.problems, ...entered.problems])];
  if (problems.length > 0) return refused(problems);
  const { summary } = check;
  const { tool } = route.entry;
  const unseen = tool.effects === 'write' && tool.unseen?.(request.input) === true;
  if (unseen && check.foreseen !== null) {
    const { channel } = draft;
    const card = await cardOf(slack, act, { route, channel, request, check });
    await discard(slack, act, draftId);
    return { after: () => act.tell(card) };
  }
  // Okta may be slow: a form that changes something there closes first, and what came of it is told.
  if (tool.effects === 'act')
    return {
      after: async () =>
        tellAnswer(slack, act, route, summary, await use(slack, act, identity, request, { draftId })),
    };
  try {
    // What could not be shown is refused; nothing that becomes possible meanwhile is done unseen.
    const outcome = await use(slack, act, identity, request, { draftId, ...(unseen && { seen: null }) });
    // Where it waits, their own copy of the approval comes to the same direct messages, and says so.
    if (outcome.status === 'waiting') return { after: () => Promise.resolve() };
    return { after: () => tellAnswer(slack, act, route, summary, outcome) };
  } catch (error) {
    const fault = asFault(error);
    return refused(
      fault.code === 'internal' ? [['', faultMessage(slack, act.doing, error)]] : problemsOf(fault),
    );
  }
}

/** The fields into which a private key was pasted: nothing of such a form is kept, or shown to anybody. */
function privateKeysIn({ input, reason }: Request): (readonly [string, string])[] {
  return Object.entries({ ...input, reason })
    .filter(([, value]) => holdsPrivateKey(value))
    .map(([field]) => [field, PRIVATE_KEY] as const);
}

async function tellAnswer(
  slack: Slack,
  act: Act,
  route: Pick<Route, 'entry'>,
  summary: string,
  outcome: Outcome,
): Promise<void> {
  await tellOutcome(slack, act, { entry: route.entry, summary, card: null }, outcome);
}

/**
 * The answer to a form with problems: at its fields, or in a form that has the fields that this one hides.
 */
function answerAt(view: Wire, problems: readonly Problem[], draw: (notes: Notes) => ModalView): Submitted {
  const errors = errorsAt(view, problems) ?? {};
  const lost = problems.some(([path]) => path !== '' && placeOf(path, pathsIn(view)) === null);
  return lost && isFolded(view) ? { errors, view: draw(new Map(problems)) } : { errors };
}

/**
 * Problems at the blocks of their fields; those of no field stand at the first input, since Slack shows no
 * others. Null for none.
 */
export function errorsAt(view: Wire, problems: readonly Problem[]): Record<string, string> | null {
  if (problems.length === 0) return null;
  const asked = pathsIn(view);
  const errors: Record<string, string> = {};
  for (const [path, problem] of problems) {
    const block = blockOf(placeOf(path, asked) ?? asked[0] ?? '');
    errors[block] = [errors[block], problem]
      .filter((one) => one !== undefined)
      .join(' ')
      .slice(0, 2000);
  }
  return errors;
}
