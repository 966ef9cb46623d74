import { createClient, scopeList, type DelegationToken, type ExchangeRequest } from '#client/index.ts';
import { argumentsOf, Unusable, type Command, type Terminal } from './command.ts';
import { read, replaceSecret } from './files.ts';
import { privateKeyIn } from './key-file.ts';
import { defaultFile, openSandbox } from './sandbox.ts';

const OPTIONS = {
  agent: { type: 'string' },
  issuer: { type: 'string' },
  key: { type: 'string' },
  mandate: { type: 'string' },
  person: { type: 'string', default: 'bob@acme.example' },
  'subject-token-file': { type: 'string' },
  'subject-token-env': { type: 'string' },
  offline: { type: 'boolean' },
  scope: { type: 'string' },
  audience: { type: 'string' },
  token: { type: 'string' },
  print: { type: 'boolean' },
  sandbox: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof argumentsOf<typeof OPTIONS>>['values'];

/** `prokura agent token`: exchanges a person's token and a mandate for a delegation token. */
export const agentToken: Command = {
  name: 'agent token',
  usage:
    '--agent ID --issuer URL --mandate ID --subject-token-file FILE [options] | --agent NAME --sandbox [options]',
  summary: 'Exchange a mandate for a delegation token (RFC 8693)',
  help: `Exchanges a person's access token and their mandate for a delegation token of at most 300 seconds.

  --agent ID                  the agent's client id, agt_…; with --sandbox its name will do
  --issuer URL                the issuer of the tenant, https://<host>/t/tnt_…
  --mandate ID                the mandate, mdt_…; with --sandbox the newest one unless named
  --key FILE                  the agent's private key, as JWK or PEM; agent-key.json unless named
  --subject-token-file FILE   the person's access token from the identity provider; - for standard input
  --subject-token-env NAME    the same, from an environment variable
  --offline                   no token of the person: for a mandate that was given for use without them
  --scope SCOPES              ask for these scopes only, with spaces between
  --audience URL              the resource that the token is for; this server's MCP address unless named
  --token FILE                where the token goes (mode 0600); agent-token.json unless named
  --print                     print the token instead
  --sandbox                   take all of this from the sandbox (.prokura, or PROKURA_DATA), with the person's access token
                              from its simulated Okta
  --person EMAIL              who gave the mandate, in the sandbox; bob@acme.example unless named
`,
  run: async (args, terminal) => {
    const { values, positionals } = argumentsOf('agent token', withoutTokens(args), OPTIONS);
    if (positionals.length > 0)
      throw new Unusable(`agent token takes options only. Run: prokura agent token --help`);
    const privateKey = privateKeyIn(values.key ?? defaultFile(terminal, values.sandbox, 'agent-key.json'));
    const { issuer, clientId, request } = await partsOf(values, terminal);
    const token = await createClient({ issuer, clientId, privateKey }).exchangeToken({
      ...request,
      ...(values.scope === undefined ? {} : { scope: values.scope }),
      ...(values.audience === undefined ? {} : { audience: values.audience }),
    });
    if (values.print === true) terminal.out(`${token.access_token}\n`);
    else keep(token, values.token ?? defaultFile(terminal, values.sandbox, 'agent-token.json'), terminal);
    return 0;
  },
};

/**
 * The arguments as they are. Throws Unusable for a token among them: every user of this machine can read the
 * arguments of a process.
 */
function withoutTokens(args: readonly string[]): readonly string[] {
  if (args.some((one) => /^--subject-token(?:=|$)/.test(one)))
    throw new Unusable(
      'A token is not taken from the command line, which other users of this machine can read. Use --subject-token-file, or --subject-token-env.',
    );
  return args;
}

interface Parts {
  readonly issuer: string;
  readonly clientId: string;
  readonly request: Pick<ExchangeRequest, 'mandate_id' | 'subject_token'>;
}

async function partsOf(values: Values, terminal: Terminal): Promise<Parts> {
  const brought = subjectToken(values, terminal);
  if (values.agent === undefined) throw new Unusable('Give --agent. Run: prokura agent token --help');
  if (values.sandbox !== true) {
    if (values.issuer === undefined || values.mandate === undefined)
      throw new Unusable('Give --issuer and --mandate, or --sandbox. Run: prokura agent token --help');
    if (brought === null && values.offline !== true)
      throw new Unusable(
        "Give the person's token with --subject-token-file or --subject-token-env; or --offline, where the mandate allows it.",
      );
    const subject = brought === null ? {} : { subject_token: brought };
    return {
      issuer: values.issuer,
      clientId: values.agent,
      request: { mandate_id: values.mandate, ...subject },
    };
  }
  const sandbox = openSandbox(terminal);
  const clientId = await sandbox.agentId(values.agent);
  const mandate_id = values.mandate ?? (await sandbox.mandateId(clientId, values.person));
  const { issuer } = sandbox;
  if (values.offline === true) return { issuer, clientId, request: { mandate_id } };
  const subject_token = brought ?? (await sandbox.subjectToken(values.person));
  return { issuer, clientId, request: { mandate_id, subject_token } };
}

function subjectToken(values: Values, { env }: Terminal): string | null {
  const { 'subject-token-file': file, 'subject-token-env': name } = values;
  if (file !== undefined && name !== undefined)
    throw new Unusable('Give --subject-token-file or --subject-token-env, not both.');
  if (file === undefined && name === undefined) return null;
  const token = (file === undefined ? (env[name ?? ''] ?? '') : read(file)).trim();
  if (token === '')
    throw new Unusable(
      file === undefined ? `The environment variable ${name} is not set.` : `${file} holds no token.`,
    );
  return token;
}

function keep(token: DelegationToken, file: string, terminal: Terminal): void {
  const { access_token, token_type, scope, claims } = token;
  const kept = { access_token, token_type, scope, expires_at: token.expiresAt.toISOString() };
  replaceSecret(file, `${JSON.stringify(kept, null, 2)}\n`);
  terminal.err(
    `${claims === undefined ? 'The token' : `${claims.act.sub} may act for ${claims.sub} under ${claims.mandate_id}: ${scopeList(claims).join(', ')}. The token`} is good for ${token.expires_in} seconds. It is in ${file}\n`,
  );
}
