import { oneLine } from '#lib/sanitise.ts';
import type { ModalView } from '@slack/types';
import type { TenantReader } from '#domain/context.ts';
import type { AskedTerms } from '#domain/mandate/asked.ts';
import { settleTerms } from '#domain/mandate/terms.ts';
import { findPeople } from '#domain/person/store.ts';
import type { ApprovalView } from '#engine/approve/view.ts';
import { readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import type { Act, Slack } from '../context.ts';
import { begin } from '../drafts.ts';
import { fieldLines, labelled, line, plain, words } from '../messages/blocks.ts';
import { noteBlock } from './denial.ts';
import { fieldBlocks, MAX_VALUE } from './elements.ts';
import { fieldsIn, type Field } from './fields.ts';
import { LABELS } from './pickers.ts';

export const NARROW_CALLBACK = 'prokura.narrow';

/** What a mandate that waits for approval asks for, as its form shows it. */
export interface Asked {
  readonly fields: readonly Field[];
  /** By field; resources are `team`, work emails, or patterns. */
  readonly terms: Readonly<Record<string, unknown>>;
}

/**
 * Opens the form in which an approver makes a mandate smaller and approves what is left. Fault `conflict` for
 * whatever is no mandate.
 */
export async function openNarrowing(
  slack: Slack,
  act: Act,
  view: ApprovalView,
  { channel, version }: { readonly channel: string | null; readonly version: number },
): Promise<void> {
  const asked = await readonly(slack.app, act.tenantId, (reader) => askedOf(slack, reader, view));
  const draftId = await begin(slack, act, {
    kind: 'narrow',
    channel,
    approvalId: view.approval.id,
    version,
  });
  await slack.client.views.open({
    trigger_id: act.triggerId,
    view: narrowView(draftId, view.call.summary, asked),
  });
}

/**
 * The fields of the form with what was asked: those of the contract of `approval_decide`, so that a new bound
 * of mandates needs nothing here. What is chosen from is what was asked; `offline` stands there only where it
 * was.
 */
export async function askedOf(slack: Slack, reader: TenantReader, { call }: ApprovalView): Promise<Asked> {
  if (call.tool !== 'mandate_create')
    throw new Fault(
      'conflict',
      'You can narrow only the request for a mandate. Deny this request and say why.',
    );
  const settled = await settleTerms(reader, call.principalId, call.input as AskedTerms);
  const terms: Record<string, unknown> = {
    ...settled,
    resources: await inWords(reader, call.principalId, settled.resources),
  };
  const decide = slack.app.catalogue.get('approval_decide')?.inputSchema as {
    properties?: { narrow?: unknown };
  };
  const fields = fieldsIn(decide.properties?.narrow ?? {})
    .filter(({ name }) => name !== 'offline' || terms[name] === true)
    .map((field) => ({ ...withChoices(field, terms[field.name]), preset: terms[field.name] }));
  return { fields, terms };
}

function withChoices(field: Field, asked: unknown): Field {
  const list = field.kind === 'list' && field.name !== 'resources' && Array.isArray(asked) ? asked : [];
  const choices = list.filter((one): one is string => typeof one === 'string' && one.length <= MAX_VALUE);
  return choices.length === 0 || choices.length < list.length
    ? field
    : { ...field, kind: 'choices', choices };
}

async function inWords(
  reader: TenantReader,
  principalId: string | null,
  patterns: readonly string[],
): Promise<string[]> {
  const people = await findPeople(
    reader,
    patterns.flatMap((one) => (one.startsWith('person:') ? [one.slice('person:'.length)] : [])),
  );
  const emails = new Map(people.map((person) => [`person:${person.id}`, person.email]));
  return patterns.map((one) => (one === `reports:${principalId}` ? 'team' : (emails.get(one) ?? one)));
}

const UNTOUCHED = { names: LABELS, notes: new Map(), focus: null, told: new Set<string>() } as const;

const narrowView = (draftId: string, summary: string, { fields, terms }: Asked): ModalView => ({
  type: 'modal',
  callback_id: NARROW_CALLBACK,
  title: plain('Approve narrower', 24),
  submit: plain('Approve these terms', 24),
  close: plain('Cancel', 24),
  private_metadata: draftId,
  blocks: [
    fieldLines([labelled('Request', [words(oneLine(summary))])]),
    line(words('These are the terms as requested. Reduce what you like: you approve what is left.')),
    ...fields.flatMap((field) => fieldBlocks(field, { ...UNTOUCHED, given: terms }, false)),
    noteBlock(),
  ],
});
