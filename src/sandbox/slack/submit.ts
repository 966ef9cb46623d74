import { enterAll, standing } from './click.ts';
import { clientErrors, stateValues } from './form.ts';
import { viewPayload } from './payloads.ts';
import { circumstances, type Simulation } from './simulation.ts';
import { checkView } from './blocks/check.ts';
import type { FormValue, ShownError, SimUser, SimView, SubmitAnswer, Wire } from './types.ts';
import { closeModals, MAX_MODAL_DEPTH, openModals, pushModal, replaceView } from './views.ts';
import { watch } from './watch.ts';

/**
 * What an app may answer to a submission: nothing (the modal closes), or what happens to the modal instead.
 */
interface ResponseAction {
  readonly response_action?: string;
  readonly errors?: Record<string, string>;
  readonly view?: Wire;
}

type Outcome = Pick<SubmitAnswer, 'responseAction' | 'errors'> & { readonly shown: ShownError };

const INVALID: Outcome = { shown: 'invalid_response' };

/** What each `response_action` does to the modals that stand open. */
const ACTIONS: Readonly<Record<string, (sim: Simulation, view: SimView, answer: ResponseAction) => Outcome>> =
  {
    errors(_, view, { errors }) {
      const inputs = view.blocks.filter((block) => block.type === 'input').map((block) => block.block_id);
      const ids = Object.keys(errors ?? {});
      if (errors === undefined || ids.length === 0 || ids.some((id) => !inputs.includes(id))) return INVALID;
      return { shown: null, responseAction: 'errors', errors };
    },
    update(sim, view, { view: next }) {
      if (next === undefined || checkView(next, 'modal').length > 0) return INVALID;
      replaceView(sim.workspace.world, view, next);
      return { shown: null, responseAction: 'update' };
    },
    push(sim, view, { view: next }) {
      const { world } = sim.workspace;
      const tooDeep = openModals(world, view.user).length >= MAX_MODAL_DEPTH;
      if (tooDeep || next === undefined || checkView(next, 'modal').length > 0) return INVALID;
      pushModal(world, view.user, next);
      return { shown: null, responseAction: 'push' };
    },
    clear(sim, view) {
      closeModals(sim.workspace.world, view.user, true);
      return { shown: null, responseAction: 'clear' };
    },
  };

function act(sim: Simulation, view: SimView, body: unknown): Outcome {
  const answer: ResponseAction = typeof body === 'object' && body !== null ? body : {};
  if (answer.response_action === undefined) {
    const wordy = typeof body === 'string' ? body !== '' : Object.keys(answer).length > 0;
    if (wordy) return INVALID;
    closeModals(sim.workspace.world, view.user);
    return { shown: null };
  }
  return Object.hasOwn(ACTIONS, answer.response_action)
    ? (ACTIONS[answer.response_action]?.(sim, view, answer) ?? INVALID)
    : INVALID;
}

/** Enters values into the open modal and submits it, as this person. */
export async function submit(
  sim: Simulation,
  user: SimUser,
  viewId: string,
  values: Readonly<Record<string, FormValue>>,
): Promise<SubmitAnswer> {
  const view = standing(sim, user, viewId);
  if (view.type === 'home') throw new Error('a Home tab cannot be submitted');
  await enterAll(sim, user, view, values);
  const entered = stateValues(view.blocks, view.values);
  const errors = clientErrors(view, entered);
  if (Object.keys(errors).length > 0) {
    return { status: 0, body: null, shown: null, ephemerals: [], errors, view: structuredClone(view) };
  }
  const watching = watch(sim.workspace.world, user, null);
  const at = circumstances(sim, user, view.id);
  const sent = { ...view, values: entered };
  const { status, body, shown } = await sim.send({
    kind: 'interactive',
    payload: viewPayload(at, user, sent, 'view_submission'),
  });
  const outcome = watching.unnoticed(() => (shown === null ? act(sim, view, body) : { shown }));
  const seen = await watching.settle(
    outcome.shown === null && outcome.responseAction === undefined ? sim.settleMs : 0,
  );
  return { status, body, ...outcome, ...seen };
}

/** Closes the open modal; `view_closed` is sent where the app asked for it. */
export async function cancel(sim: Simulation, user: SimUser, viewId: string): Promise<void> {
  const view = standing(sim, user, viewId);
  const closed = structuredClone(view);
  closeModals(sim.workspace.world, user.id);
  if (!closed.notifyOnClose) return;
  await sim.send({
    kind: 'interactive',
    payload: viewPayload(circumstances(sim, user, closed.id), user, closed, 'view_closed'),
  });
}
