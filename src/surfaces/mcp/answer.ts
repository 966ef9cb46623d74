import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Envelope } from '#engine/approve/envelope.ts';
import { sanitiseData } from '#lib/sanitise.ts';
import type { Answer } from './contract.ts';

// Which states a client sees as an error. An error stops a model; anything else lets it continue.
const IS_ERROR = {
  done: false,
  pending_approval: false,
  running: false,
  denied: true,
  expired: true,
  failed: true,
  cancelled: true,
  unknown: true,
} as const satisfies Record<Envelope['status'], boolean>;

/**
 * Turns an answer into a tool result. Text from the directory is sanitised and appears only in the data. The
 * sentence in front contains ids, numbers and times, so no display name can speak in our voice.
 */
export function toolResult(answer: Answer): CallToolResult {
  const data = sanitiseData(answer);
  const json = { type: 'text' as const, text: JSON.stringify(data) };
  const sentence = SENTENCES[answer.status](data);
  return {
    isError: IS_ERROR[answer.status],
    content: sentence === null ? [json] : [{ type: 'text', text: sentence }, json],
    structuredContent: data,
  };
}

const notDone = (answer: Answer): string =>
  `NOT DONE (${answer.code ?? answer.status}). ${answer.reason ?? ''} ${answer.retryable === true ? 'You can try again later.' : 'Do not make the same call again.'}`;

// What the model must do now. Null if the data is enough.
const SENTENCES = {
  done: () => null,
  pending_approval: (answer) =>
    `NOT DONE YET. Approval ${answer.approval_id ?? ''} is waiting for ${waitingFor(answer)}; it expires at ${answer.expires_at ?? 'an unknown time'}. ` +
    `Do not call this tool again. Tell the user. Later call approval_wait ${JSON.stringify(answer.next?.arguments ?? {})}.`,
  running: (answer) =>
    `NOT DONE YET. Call ${answer.call_id ?? ''} is running. Do not call this tool again. Tell the user, and check the result later.`,
  unknown: (answer) =>
    `NOT KNOWN. It is not known whether call ${answer.call_id ?? ''} took effect: ${answer.reason ?? ''} Do not call this tool again. Tell the user.`,
  denied: notDone,
  expired: notDone,
  failed: notDone,
  cancelled: notDone,
} as const satisfies Record<Envelope['status'], (answer: Answer) => string | null>;

function waitingFor(answer: Answer): string {
  const count = answer.approvers?.length ?? 0;
  return count === 1
    ? '1 approver (named in "approvers")'
    : `${count} possible approvers (named in "approvers")`;
}
