import { readonly } from '#engine/transact.ts';
import type { Act, Slack } from '../context.ts';
import { platformError } from '../faults.ts';
import { ACTIONS } from '../ids.ts';
import { button, notice } from '../messages/blocks.ts';
import { namesIn } from '#engine/in-words.ts';
import { formView, type FormOf } from './draw.ts';
import type { Given, Notes } from './layout.ts';
import { LABELS } from './pickers.ts';

export interface FormRequest {
  readonly route: FormOf;
  readonly draftId: string;
  readonly input: Given;
  readonly reason: string | null;
  /** What is wrong with what was given. */
  readonly notes: Notes;
}

/**
 * Opens a tool's form, prefilled. Where Slack's three seconds are over, offers a button that opens it
 * instead.
 */
export async function openForm(
  slack: Slack,
  act: Act,
  { route, draftId, input, reason, notes }: FormRequest,
): Promise<void> {
  const found = await readonly(slack.app, act.tenantId, (reader) => namesIn(reader, input));
  const state = { input, reason, notes, names: new Map([...LABELS, ...found]), more: false };
  const view = formView(route, slack.app.catalogue, draftId, state);
  try {
    await slack.client.views.open({ trigger_id: act.triggerId, view });
  } catch (error) {
    if (platformError(error) !== 'expired_trigger_id') throw error;
    await act.tell(
      notice(
        'That took too long for Slack to open the form by itself.',
        button('Open the form', ACTIONS.edit, draftId, 'primary'),
      ),
    );
  }
}
