import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { rest } from '../wire.ts';

const CLI = fileURLToPath(new URL('../../../src/main/cli.ts', import.meta.url));

/** The record of it all: filtered, signed, and proved without us. */
export const ledgerSteps = (scene: Scene): Step[] => [
  {
    name: 'ledger-filtered',
    title: 'The ledger shows what happened to one mandate',
    run: async (say) => {
      const [created] = await scene.ledger('MANDATE_CREATED');
      const mandate = String(created?.data['mandate_id']);
      const { body } = await scene.admin('GET', `/v1/ledger?mandate=${mandate}&limit=1000`);
      const entries = body['entries'] as { event: string }[];
      say(entries.map((entry) => entry.event).join(', '));
      must(
        entries.length > 10 && entries.every((entry) => JSON.stringify(entry).includes(mandate)),
        'an entry does not name the mandate',
      );
      return `${entries.length} entries name ${mandate}`;
    },
  },
  {
    name: 'ledger-checkpoint-verified',
    title: 'Export, checkpoint and keys are verified offline; missing entries at the end are detected',
    run: async (say) => {
      const { folder, company } = scene.instance;
      const signed = await scene.admin('POST', '/v1/ledger/checkpoints');
      must(signed.status === 201, `no checkpoint: HTTP ${signed.status}`);
      const [file, short, checkpoint, jwks] = [
        'all.ndjson',
        'short.ndjson',
        'checkpoint.jws',
        'jwks.json',
      ].map((name) => join(folder, name)) as [string, string, string, string];
      await writeFile(checkpoint, String(signed.body['jws']));
      await writeFile(jwks, await (await fetch(`${company.issuer}/oauth2/jwks`)).text());
      await writeFile(file, (await rest(scene.instance, '/v1/ledger/export')).text);
      const lines = (await readFile(file, 'utf8')).trim().split('\n');
      await writeFile(short, lines.slice(0, -5).join('\n'));
      const verify = (of: string) => {
        const args = [CLI, 'verify-ledger', of, '--checkpoint', checkpoint, '--jwks', jwks];
        const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        return { status, said: stdout.trim().split('\n').join(' | ') };
      };
      const [whole, cut] = [verify(file), verify(short)];
      say(whole.said);
      say(`without its last entries: ${cut.said}`);
      must(whole.status === 0, 'the complete ledger is reported as invalid');
      must(cut.status === 1, 'a ledger without its last entries is reported as valid');
      return `${lines.length} entries are valid up to checkpoint ${String(signed.body['seq'])}`;
    },
  },
];
