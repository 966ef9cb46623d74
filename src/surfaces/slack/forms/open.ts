import { readonly } from '#engine/transact.ts';
import type { Route } from '../commands/registry.ts';
import type { Act, Slack } from '../context.ts';
import { platformError } from '../faults.ts';
import { ACTIONS } from '../ids.ts';
import { button, notice } from '../messages/blocks.ts';
import { namesIn } from '#engine/in-words.ts';
import { formView } from './draw.ts';

export interface FormRequest {
  readonly route: Pick<Route, 'entry' | 'fields'>;
  readonly draftId: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
  readonly problems: readonly string[];
}

/** Opens a tool's form, prefilled. Where Slack's three seconds are over, offers a button that opens it instead. */
export async function openForm(
  slack: Slack,
  act: Act,
  { route, draftId, input, reason, problems }: FormRequest,
): Promise<void> {
  const names = await readonly(slack.app, act.tenantId, (reader) => namesIn(reader, input));
  const view = formView(route.entry, route.fields, draftId, { input, reason, problems, names });
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
