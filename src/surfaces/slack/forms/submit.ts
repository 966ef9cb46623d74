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
import { tellOutcome, use, type Request } from '../run.ts';
import { objectIn, textIn, type Wire } from '../wire.ts';
import { checked } from './check.ts';
import { blockOf, REASON_BLOCK } from './draw.ts';
import type { Field } from './fields.ts';
import { readEntered } from './read.ts';

/** What Slack does with a form: closes it, or shows what is wrong at its fields. */
export type Submitted =
  | { readonly errors: Readonly<Record<string, string>> }
  | { readonly after: () => Promise<void> };

/**
 * Takes a submitted form. What is wrong is answered at the fields, and the draft stays usable; otherwise the request is made once, or, where
 * the fields only name what it would do, shown as a card to confirm.
 * Changes of our own rows are made before Slack is answered, so that what they find wrong shows in the form too; changes at the
 * provider after it. The person and the tool come from the draft and the signed payload, never from the view.
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
  const entered = enteredIn(route.fields, objectIn(objectIn(view, 'state'), 'values'));
  const request: Request = { tool: draft.tool, input: entered.input, reason: entered.reason };
  const keys = privateKeysIn(request);
  if (keys.length > 0) return { errors: errorsAt(view, keys) ?? {} };
  const check = await checked(slack, act.tenantId, identity, route, request);
  const errors = errorsAt(view, [...entered.problems, ...check.problems]);
  if (errors !== null) return { errors };
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
        told(slack, act, route, summary, await use(slack, act, identity, request, { draftId })),
    };
  try {
    // What could not be shown is refused; nothing that becomes possible meanwhile is done unseen.
    const outcome = await use(slack, act, identity, request, { draftId, ...(unseen && { seen: null }) });
    // Where it waits, their own copy of the approval comes to the same direct messages, and says so.
    if (outcome.status === 'waiting') return { after: () => Promise.resolve() };
    return { after: () => told(slack, act, route, summary, outcome) };
  } catch (error) {
    const fault = asFault(error);
    const problems =
      fault.code === 'internal' ? [['', faultMessage(slack, act.doing, error)] as const] : problemsOf(fault);
    return { errors: errorsAt(view, problems) ?? {} };
  }
}

/** The fields into which a private key was pasted: nothing of such a form is kept, or shown to anybody. */
function privateKeysIn({ input, reason }: Request): (readonly [string, string])[] {
  return Object.entries({ ...input, reason })
    .filter(([, value]) => holdsPrivateKey(value))
    .map(([field]) => [field, PRIVATE_KEY] as const);
}

async function told(
  slack: Slack,
  act: Act,
  route: Pick<Route, 'entry'>,
  summary: string,
  outcome: Outcome,
): Promise<void> {
  await tellOutcome(slack, act, { entry: route.entry, summary, card: null }, outcome);
}

interface Entered {
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
  readonly problems: readonly (readonly [string, string])[];
}

function enteredIn(fields: readonly Field[], values: Wire): Entered {
  const input: Record<string, unknown> = {};
  const problems: [string, string][] = [];
  for (const field of fields) {
    const [state] = Object.values(objectIn(values, blockOf(field.name)));
    const reading = readEntered(field, state);
    if (reading === null) continue;
    if ('problem' in reading) problems.push([field.name, reading.problem]);
    else input[field.name] = reading.value;
  }
  const [reason] = Object.values(objectIn(values, REASON_BLOCK)) as { value?: string | null }[];
  return { input, reason: reason?.value?.trim() || null, problems };
}

/** Problems at the blocks of their fields; those of no field stand at the first input, since Slack shows no others. Null for none. */
export function errorsAt(
  view: Wire,
  problems: readonly (readonly [string, string])[],
): Record<string, string> | null {
  if (problems.length === 0) return null;
  const blocks = view['blocks'];
  const inputs = (Array.isArray(blocks) ? (blocks as Wire[]) : [])
    .filter((block) => block['type'] === 'input')
    .map((block) => textIn(block, 'block_id'));
  const errors: Record<string, string> = {};
  for (const [field, problem] of problems) {
    const block = inputs.includes(blockOf(field)) ? blockOf(field) : (inputs[0] ?? '');
    errors[block] = [errors[block], problem]
      .filter((one) => one !== undefined)
      .join(' ')
      .slice(0, 2000);
  }
  return errors;
}
