import { argumentsOf, Unusable, type Command, type Terminal } from './command.ts';
import { say } from '#lib/sanitise.ts';
import { read } from './files.ts';
import { SERVER_HELP, SERVER_OPTIONS, serverOf, type AskServer, type ServerAnswer } from './policy-server.ts';

const FILE = { file: { type: 'string' } } as const;

/** `prokura policy show`: the text in force, or an older version. */
export const policyShow: Command = {
  name: 'policy show',
  usage: '[--version N] (--url URL | --sandbox) [--key-file FILE]',
  summary: 'Print the policies of an organisation',
  help: `Prints the Cedar text in force; the versions go to standard error.

  --version N       an older version; 0 is what ships
${SERVER_HELP}
The key needs the scope policy_show.
`,
  run: async (args, terminal) => {
    const { values } = argumentsOf('policy show', args, { ...SERVER_OPTIONS, version: { type: 'string' } });
    if (values.version !== undefined && !/^\d{1,9}$/.test(values.version))
      throw new Unusable('--version takes a number.');
    const query = values.version === undefined ? '' : `?version=${values.version}`;
    const answer = await serverOf(values, terminal)('GET', `/v1/policies${query}`);
    const result = resultOf(answer, null, terminal);
    if (result === null) return 1;
    const versions = result['versions'] as { version: number; note: string; at: string }[];
    terminal.err(`Version ${String(result['version'])}.\n`);
    for (const { version, note, at } of versions) terminal.err(`${say`  ${version}  ${at}  ${note}`}\n`);
    if (typeof result['problem'] === 'string')
      terminal.err(`${say`It cannot be used, and only what stays decides: ${result['problem']}`}\n`);
    terminal.out(String(result['text']));
    return 0;
  },
};

/** `prokura policy check`: whether a file can be put in force, and what it would have decided otherwise. */
export const policyCheck: Command = {
  name: 'policy check',
  usage: '--file FILE [--days N] (--url URL | --sandbox) [--key-file FILE]',
  summary: 'Validate a policy file, and try it on past calls',
  help: `Validates a Cedar file against the tools of the server, and lists the calls of the last days that it would have decided otherwise. Nothing
changes. What is wrong is printed as FILE:LINE:COLUMN.

  --file FILE       the whole Cedar text; - for standard input
  --days N          how far to look back; 7 unless named
${SERVER_HELP}
The key needs the scope policy_try.
`,
  run: async (args, terminal) => {
    const { values } = argumentsOf('policy check', args, {
      ...SERVER_OPTIONS,
      ...FILE,
      days: { type: 'string', default: '7' },
    });
    const { file, text } = fileOf(values.file);
    if (!/^\d{1,3}$/.test(values.days)) throw new Unusable('--days takes a number.');
    const body = { text, days: Number(values.days) };
    const result = resultOf(
      await serverOf(values, terminal)('POST', '/v1/policies/try', body),
      file,
      terminal,
    );
    if (result === null) return 1;
    const differences = result['differences'] as {
      at: string;
      summary: string;
      now: string;
      otherwise: string;
    }[];
    terminal.out(`${file} can be used.\n`);
    terminal.out(
      `Of ${String(result['calls'])} calls of the last ${values.days} days, ${String(result['different'])} would be decided otherwise.\n`,
    );
    for (const { at, summary, now, otherwise } of differences)
      terminal.out(`${say`  ${at}  ${summary}: ${now} → ${otherwise}`}\n`);
    return 0;
  },
};

/** `prokura policy set`: puts a file in force; without `--yes` it shows what would change. */
export const policySet: Command = {
  name: 'policy set',
  usage: '--file FILE --note TEXT [--yes] (--url URL | --sandbox) [--key-file FILE]',
  summary: 'Put a policy file in force, after showing what changes',
  help: `Shows what a Cedar file would change, and with --yes asks for it: IT admins approve it in Slack. What is wrong with the file is printed as
FILE:LINE:COLUMN.

  --file FILE       the whole Cedar text; - for standard input
  --note TEXT       what changes and why; it is shown in the list of versions
  --yes             ask for it; without it nothing is asked
${SERVER_HELP}
The key needs the scope policy_set, which IT admins grant: /apikey grant <id> policy_set.
`,
  run: async (args, terminal) => {
    const { values } = argumentsOf('policy set', args, {
      ...SERVER_OPTIONS,
      ...FILE,
      note: { type: 'string' },
      yes: { type: 'boolean' },
    });
    const { file, text } = fileOf(values.file);
    if (values.note === undefined) throw new Unusable('Give --note: what changes and why.');
    const ask = serverOf(values, terminal);
    return propose(
      'policy_set',
      { text, note: values.note },
      { ask, file, yes: values.yes === true, terminal },
    );
  },
};

/**
 * `prokura policy require`: changes the approval of one action; without `--yes` it shows what would change.
 */
export const policyRequire: Command = {
  name: 'policy require',
  usage: 'ACTION --approver WHO --note TEXT [options] [--yes] (--url URL | --sandbox) [--key-file FILE]',
  summary: 'Change who must approve one action',
  help: `Shows what would change, and with --yes asks for it: IT admins approve it in Slack. The rest of the policies stays as it is.

  ACTION            the name of a tool, such as okta_suspend_user
  --approver WHO    manager, manager_of_target, owner, role:ROLE, group:ID, person:ID or anyone:SCOPE; none: nobody;
                    as_before: take back what was set for the same action and cases
  --quorum N        how many people must approve; 1 unless named
  --step-up         only after a sign-in with a second factor
  --fallback WHO    who decides where too few approvers can
  --by WHOM         only requests of people, agents or api_keys; everybody unless named
  --role ROLE       only where the person who asks holds this role
  --target KIND     only on a Person, Agent, Mandate, Approval or Tenant
  --why TEXT        shown to requesters and approvers
  --note TEXT       what changes and why; it is shown in the list of versions
  --yes             ask for it; without it nothing is asked
${SERVER_HELP}
The key needs the scope policy_requirement_set, which IT admins grant: /apikey grant <id> policy_requirement_set.
`,
  run: async (args, terminal) => {
    const { values, positionals } = argumentsOf('policy require', args, {
      ...SERVER_OPTIONS,
      approver: { type: 'string' },
      quorum: { type: 'string' },
      'step-up': { type: 'boolean' },
      fallback: { type: 'string' },
      by: { type: 'string' },
      role: { type: 'string' },
      target: { type: 'string' },
      why: { type: 'string' },
      note: { type: 'string' },
      yes: { type: 'boolean' },
    });
    const [action, ...more] = positionals;
    if (action === undefined || more.length > 0)
      throw new Unusable('Name one action: prokura policy require ACTION --approver WHO --note TEXT.');
    if (values.approver === undefined || values.note === undefined)
      throw new Unusable('Give --approver and --note. Run: prokura policy require --help');
    if (values.quorum !== undefined && !/^\d{1,2}$/.test(values.quorum))
      throw new Unusable('--quorum takes a number.');
    const given = {
      action,
      approver: values.approver,
      quorum: values.quorum === undefined ? undefined : Number(values.quorum),
      step_up: values['step-up'],
      fallback: values.fallback,
      asked_by: values.by,
      role: values.role,
      target: values.target,
      why: values.why,
      note: values.note,
    };
    const input = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const ask = serverOf(values, terminal);
    return propose('policy_requirement_set', input, { ask, file: null, yes: values.yes === true, terminal });
  },
};

interface Proposal {
  readonly ask: AskServer;
  /** The file that the text came from; null: there is none. */
  readonly file: string | null;
  readonly yes: boolean;
  readonly terminal: Terminal;
}

/** Shows what the tool would change, and asks for it where that is wanted. */
async function propose(
  tool: string,
  input: Readonly<Record<string, unknown>>,
  { ask, file, yes, terminal }: Proposal,
): Promise<number> {
  const { out, err } = terminal;
  const preview = await ask('POST', `/v1/tools/${tool}/preview`, input);
  if (preview.status !== 200) return reportRefusal(preview, file, terminal);
  const { allowed, reason, approvals, changes, effect } = preview.body as {
    allowed: boolean;
    reason?: string;
    approvals: { quorum: number; approvers: string[]; reason: string }[];
    changes: { what: string; from?: string; to?: string }[] | null;
    effect: string | null;
  };
  for (const { what, from, to } of changes ?? [])
    out(`${what}: ${from === undefined ? '' : `${from} → `}${to ?? '(none)'}\n`);
  if (effect !== null) out(`${effect}\n`);
  for (const one of approvals)
    out(`${say`Needs ${one.quorum} of ${one.approvers.join(', ') || 'nobody'}: ${one.reason}`}\n`);
  if (!allowed) {
    err(`${say`This would be refused: ${reason ?? 'no policy allows it.'}`}\n`);
    return 1;
  }
  if (!yes) {
    err('Nothing was asked. To ask for it, add --yes.\n');
    return 0;
  }
  const answer = await ask('POST', `/v1/tools/${tool}`, input);
  if (answer.status === 202) {
    const {
      approval_id,
      approvers = [],
      expires_at,
    } = answer.body as {
      approval_id?: string;
      approvers?: string[];
      expires_at?: string;
    };
    out(
      `Asked: ${approvers.join(', ') || 'the approvers'} can approve it in Slack until ${expires_at ?? 'it expires'}. Approval ${approval_id ?? ''}.\n`,
    );
    return 0;
  }
  const result = resultOf(answer, file, terminal);
  if (result === null) return 1;
  out(`In force: version ${String(result['version'])}.\n`);
  return 0;
}

function fileOf(file: string | undefined): { file: string; text: string } {
  if (file === undefined) throw new Unusable('Give --file with the whole Cedar text.');
  return { file, text: read(file) };
}

/** The result of a tool, or null where it was refused, which is then said. */
function resultOf(
  answer: ServerAnswer,
  file: string | null,
  terminal: Terminal,
): Readonly<Record<string, unknown>> | null {
  const { result } = answer.body as { result?: Readonly<Record<string, unknown>> };
  if (answer.status === 200 && result !== undefined) return result;
  reportRefusal(answer, file, terminal);
  return null;
}

/** Says why, with the place in the file where it is known. */
function reportRefusal({ status, body }: ServerAnswer, file: string | null, { err }: Terminal): number {
  const {
    detail,
    code,
    problems = [],
  } = body as {
    detail?: string;
    code?: string;
    problems?: { field?: string; problem?: string; line?: number; column?: number }[];
  };
  const placed = problems.filter(({ line }) => line !== undefined);
  for (const { line, column, problem } of placed)
    err(`${file ?? 'the text'}:${line}:${column ?? 1}: ${problem ?? detail ?? ''}\n`);
  if (placed.length === 0) err(`${code ?? status}: ${detail ?? 'The server refused it.'}\n`);
  return 1;
}
