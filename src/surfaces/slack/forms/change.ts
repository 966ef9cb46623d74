import { holdsPrivateKey } from '#lib/private-key.ts';
import { asPerson, routeOf, type Act, type Slack } from '../context.ts';
import { look, PRIVATE_KEY } from '../drafts.ts';
import { platformError } from '../faults.ts';
import { objectIn, textIn, type Wire } from '../wire.ts';
import { formView, MORE_ACTION } from './draw.ts';
import { blockOf } from './elements.ts';
import { enteredIn } from './read.ts';
import { isFolded, labelsIn, notesIn } from './view.ts';

/**
 * Why Slack does not take a change of a form: it has been closed, or changed again meanwhile and will be
 * drawn for that.
 */
const OUTRUN = new Set(['not_found', 'hash_conflict', 'view_not_found', 'expired_trigger_id']);

/**
 * Draws an open form again after something in it was clicked or chosen: with what may be left out, with the
 * fields that a choice asks for, without what was said of a field that has been changed. Nothing that was
 * typed is lost, and nothing of it is kept here.
 */
export async function changedForm(slack: Slack, act: Act, view: Wire, action: Wire): Promise<void> {
  await asPerson(slack, act, 'cached', async () => {
    const draftId = textIn(view, 'private_metadata');
    const draft = await look(slack, act, draftId, 'request');
    const route = routeOf(slack, draft.tool);
    const values = objectIn(objectIn(view, 'state'), 'values');
    const entered = enteredIn(route.fields, values, slack.app.catalogue);
    const changed = textIn(action, 'block_id');
    const notes = new Map([...notesIn(view)].filter(([path]) => blockOf(path) !== changed));
    const input = { ...entered.input };
    // A private key is not sent back to Slack.
    for (const [field, value] of Object.entries(input)) {
      if (!holdsPrivateKey(value)) continue;
      delete input[field];
      notes.set(field, PRIVATE_KEY);
    }
    const reason = holdsPrivateKey(entered.reason) ? null : entered.reason;
    const next = formView(route, slack.app.catalogue, draftId, {
      input,
      reason,
      notes,
      names: labelsIn(values),
      more: textIn(action, 'action_id') === MORE_ACTION || !isFolded(view),
    });
    try {
      await slack.client.views.update({
        view_id: textIn(view, 'id'),
        hash: textIn(view, 'hash'),
        view: next,
      });
    } catch (error) {
      if (!OUTRUN.has(platformError(error) ?? '')) throw error;
    }
  });
}
