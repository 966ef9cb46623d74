import { generateKeyPairSync } from 'node:crypto';
import { thumbprint } from '#client/keys.ts';
import type { Jwk } from '#client/index.ts';
import { argumentsOf, Unusable, type Command } from './command.ts';
import { writeNewSecret } from './files.ts';
import { publicJwk } from './key-file.ts';
import { defaultFile } from './sandbox.ts';

/** `prokura agent key`: a new key pair, whose private half goes into a file of its own. */
export const agentKey: Command = {
  name: 'agent key',
  usage: '[--key FILE] [--sandbox]',
  summary: 'Make a key pair for an agent',
  help: `Makes an ES256 key pair. Writes the private key (JWK) to a file that only you can read, and prints the public key (JWK), which an
IT admin registers with /agent register. An existing file is never overwritten.

  --key FILE   where the private key goes; agent-key.json unless named
  --sandbox    keep it in the folder of the sandbox (.prokura, or PROKURA_DATA)
`,
  run: async (args, terminal) => {
    const { values, positionals } = argumentsOf('agent key', args, {
      key: { type: 'string' },
      sandbox: { type: 'boolean' },
    });
    if (positionals.length > 0)
      throw new Unusable(`agent key takes options only, not "${positionals[0]}". Name the file with --key.`);
    const file = values.key ?? defaultFile(terminal, values.sandbox, 'agent-key.json');
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = pair.privateKey.export({ format: 'jwk' }) as Jwk;
    const text = `${JSON.stringify({ ...jwk, kid: await thumbprint(jwk) }, null, 2)}\n`;
    writeNewSecret(file, text, 'Name another file with --key, or delete it if no agent uses it.');
    terminal.err(`The private key is in ${file}. The public key, for /agent register:\n`);
    terminal.out(`${JSON.stringify(publicJwk(jwk))}\n`);
    return 0;
  },
};
