import { createAuthenticator } from '#client/credentials.ts';
import { argumentsOf, Unusable, type Command } from './command.ts';
import { privateKeyIn } from './key-file.ts';
import { defaultFile, openSandbox } from './sandbox.ts';

/** `prokura agent assertion`: proof of who the agent is, for token requests that are made by hand. */
export const agentAssertion: Command = {
  name: 'agent assertion',
  usage: '--agent ID --issuer URL [--key FILE] | --agent NAME --sandbox [--key FILE]',
  summary: 'Print a client assertion (private_key_jwt)',
  help: `Prints a client assertion (RFC 7523) for one request to the token endpoint. It is good for 60 seconds, and once.

  --agent ID     the agent's client id, agt_…; with --sandbox its name will do
  --issuer URL   the issuer of the tenant, https://<host>/t/tnt_…
  --key FILE     the agent's private key, as JWK or PEM; agent-key.json unless named
  --sandbox      take issuer and key from the sandbox (.prokura, or PROKURA_DATA)
`,
  run: async (args, terminal) => {
    const { values, positionals } = argumentsOf('agent assertion', args, {
      agent: { type: 'string' },
      issuer: { type: 'string' },
      key: { type: 'string' },
      sandbox: { type: 'boolean' },
    });
    if (
      values.agent === undefined ||
      positionals.length > 0 ||
      (values.issuer === undefined && !values.sandbox)
    )
      throw new Unusable('Give --agent, and --issuer or --sandbox. Run: prokura agent assertion --help');
    const privateKey = privateKeyIn(values.key ?? defaultFile(terminal, values.sandbox, 'agent-key.json'));
    const sandbox = values.sandbox === true ? openSandbox(terminal) : null;
    const clientId = sandbox === null ? values.agent : await sandbox.agentId(values.agent);
    const authenticate = createAuthenticator({ clientId, privateKey }, () => new Date());
    const { form } = await authenticate({
      issuer: values.issuer ?? sandbox?.issuer ?? '',
      tokenEndpoint: null,
      introspectionEndpoint: null,
      revocationEndpoint: null,
      jwksUri: null,
      clientAuthMethods: [],
    });
    terminal.out(`${form['client_assertion']}\n`);
    return 0;
  },
};
