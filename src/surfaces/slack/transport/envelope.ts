import { sha256 } from '#lib/crypto.ts';
import { objectIn, objectsIn, textIn, type Wire } from '../wire.ts';

/** Which workspace and app a request says that it is for. */
export interface Addressee {
  readonly teamId: string;
  readonly appId: string;
}

/** The addressee of a command, an interaction or an event. */
export function addresseeOf(body: Wire): Addressee {
  const team = textIn(body, 'team_id') || textIn(objectIn(body, 'team'), 'id');
  return { teamId: team, appId: textIn(body, 'api_app_id') || textIn(objectIn(body, 'view'), 'app_id') };
}

/**
 * What may be processed once only, as digests: the signed bytes themselves, and what Slack names the same in
 * every copy of one act (an event's id, a command's or submission's trigger, a click). Slack itself repeats
 * only events; Bolt removes nothing.
 */
export function onceKeys(signature: string, body: Wire): string[] {
  const keys = [`signature ${signature}`];
  const type = textIn(body, 'type');
  if (type === 'event_callback') keys.push(`event ${textIn(body, 'event_id')}`);
  else if (type === 'block_actions')
    keys.push(...objectsIn(body, 'actions').map((action) => `action ${clickOf(body, action)}`));
  else if (textIn(body, 'trigger_id') !== '') keys.push(`trigger ${textIn(body, 'trigger_id')}`);
  return keys.map((key) => sha256(`slack ${key}`));
}

function clickOf(body: Wire, action: Wire): string {
  const parts = [textIn(objectIn(body, 'team'), 'id'), textIn(objectIn(body, 'user'), 'id')];
  return JSON.stringify([
    ...parts,
    textIn(action, 'action_ts'),
    textIn(action, 'action_id'),
    textIn(action, 'value'),
  ]);
}
