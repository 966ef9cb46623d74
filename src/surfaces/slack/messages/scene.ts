import { findAgent } from '#domain/agent/store.ts';
import type { ApproverKind } from '#domain/approval/approval.ts';
import type { TenantReader } from '#domain/context.ts';
import { findMandate, type Mandate } from '#domain/mandate/store.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import type { ApprovalView } from '#engine/approve/view.ts';
import { fieldsOf, labelOf } from '../forms/fields.ts';
import { namesIn, withNames } from '../names.ts';
import { shown } from './preview.ts';

/** An approval with every name that a message about it needs: all that the message functions know. */
export interface Scene {
  readonly view: ApprovalView;
  readonly toolTitle: string;
  /** On whom or what, by directory names with logins. */
  readonly targets: readonly string[];
  /** "Bob Meyer (bob@acme.example)". */
  readonly askedBy: string;
  readonly mandate: Pick<Mandate, 'id' | 'purpose' | 'uses' | 'maxUses'> | null;
  /** What will run, line by line, names in place of ids; whole, the message shortens it. */
  readonly lines: readonly string[];
  /** What each requirement asks for. */
  readonly asks: readonly string[];
}

/** Collects what a message about an approval shows. `entry` is undefined where the tool is no longer there. */
export async function sceneOf(
  reader: TenantReader,
  view: ApprovalView,
  entry: CatalogueEntry | undefined,
): Promise<Scene> {
  const { call, approval } = view;
  const names = await namesIn(reader, [call.input, call.targets, approval.impact, call.principalId]);
  const labels = new Map(
    (entry === undefined ? [] : fieldsOf(entry)).map((field) => [field.name, field.label]),
  );
  const given = Object.entries(call.input).map(
    ([field, value]) => `${labels.get(field) ?? labelOf(field)}: ${withNames(shown(value, names), names)}`,
  );
  const changes = approval.impact.changes.map(
    ({ what, from, to }) => `${what}: ${[from, to].map((side) => side ?? '(none)').join(' → ')}`,
  );
  const targets = await Promise.all(
    call.targets.map(async (id) => names.get(id) ?? (await findAgent(reader, id))?.name ?? id),
  );
  return {
    view,
    toolTitle: entry?.tool.title ?? call.tool,
    targets,
    askedBy: call.principalId === null ? 'a service' : (names.get(call.principalId) ?? call.principalId),
    mandate: call.mandateId === null ? null : await findMandate(reader, call.mandateId),
    lines: [...given, ...changes.map((change) => withNames(change, names))],
    asks: approval.requirements.map(
      ({ quorum, approver, reason }) =>
        `${quorum} ${quorum === 1 ? 'approval' : 'approvals'} from ${approverWords(approver)}. ${reason}`,
    ),
  };
}

const APPROVERS: Readonly<Record<string, string>> = {
  manager: "the requester's manager",
  manager_of_target: "the target's manager",
  owner: "the agent's owner",
};

function approverWords(kind: ApproverKind): string {
  if (kind.startsWith('role:'))
    return `somebody with the role ${kind.slice('role:'.length).replaceAll('_', ' ')}`;
  if (kind.startsWith('anyone:')) return `anybody whose groups give ${kind.slice('anyone:'.length)}`;
  if (kind.startsWith('person:')) return 'the person whom the policy names';
  if (kind.startsWith('group:')) return 'a member of the group that the policy names';
  return APPROVERS[kind] ?? kind;
}
