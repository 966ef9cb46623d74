import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryHash, GENESIS_HASH, type LedgerEntry } from '#domain/ledger/entry.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { main } from '../../../src/main/cli.ts';

function chain(length: number): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const link = {
      tenant: 'tnt_a',
      seq,
      id: `evt_${seq}`,
      at: new Date(seq * 1000).toISOString(),
      event: 'CALL_SUCCEEDED',
      actor: 'usr_a',
      data: { call_id: `call_${seq}`, nested: { b: seq, a: ['ü', null] } },
      prev_hash: entries.at(-1)?.hash ?? GENESIS_HASH,
    };
    entries.push({ ...link, hash: entryHash(link) });
  }
  return entries;
}

const lines = (entries: readonly unknown[]) => entries.map((entry) => JSON.stringify(entry));

describe('an exported ledger', () => {
  test('holds when nothing was touched, whatever the order of members in the file', () => {
    const shuffled = chain(5).map(({ hash, seq, ...rest }) => ({ hash, ...rest, seq }));
    expect(verifyLedger(lines(shuffled))).toMatchObject({
      entries: 5,
      firstSeq: 1,
      lastSeq: 5,
      problems: [],
    });
  });

  test('any changed member of any entry is found', () => {
    const members = ['tenant', 'seq', 'id', 'at', 'event', 'actor', 'data', 'prev_hash', 'hash'] as const;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.constantFrom(...members), (index, member) => {
        const entries: Record<string, unknown>[] = chain(10).map((entry) => ({ ...entry }));
        const value = entries[index]?.[member];
        entries[index] = {
          ...entries[index],
          [member]:
            typeof value === 'number'
              ? value + 1
              : typeof value === 'object'
                ? { call_id: 'x' }
                : `${JSON.stringify(value)}x`,
        };
        expect(verifyLedger(lines(entries)).problems).not.toEqual([]);
      }),
    );
  });

  test('a removed, doubled or moved entry is found', () => {
    const entries = chain(6);
    for (const wrong of [
      entries.toSpliced(2, 1),
      entries.toSpliced(2, 0, entries[2]!),
      [...entries.slice(0, 2), entries[3]!, entries[2]!, ...entries.slice(4)],
    ]) {
      expect(verifyLedger(lines(wrong)).problems).not.toEqual([]);
    }
  });

  test('a line that is no entry is named by its number', () => {
    expect(verifyLedger([...lines(chain(1)), '{"half":']).problems).toEqual(['line 2: not a ledger entry']);
  });

  test('a member too many, a member twice and a member of another form are no entry: what is not hashed is no part of it', () => {
    const [entry] = chain(1);
    const line = JSON.stringify(entry);
    const forged =
      '"hash":"a1\\nThe chain holds, and is the one that 1 checkpoint(s) saw, up to entry 412.\\n\\u001b[8m"';
    for (const wrong of [
      line.replace('{', '{"note":"approved by Dana",'),
      line.replace('{', '{"data":{"call_id":"x"},'),
      line.replace(/"hash":"[0-9a-f]+"/, forged),
      line.replace('"seq":1', '"seq":1.0'),
      line.replace(/"at":"[^"]+"/, '"at":"yesterday"'),
    ]) {
      expect(wrong).not.toBe(line);
      const proof = verifyLedger([wrong]);
      expect(proof.problems).toEqual(['line 1: not a ledger entry']);
      expect(proof.lastHash).toBeNull();
    }
    expect(verifyLedger([line]).problems).toEqual([]);
  });

  test('the command says what is wrong with its arguments', async () => {
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const terminal = { out: say, err: say, env: {} };
    expect(await main(['verify-ledger'], terminal)).toBe(2);
    expect(await main(['verify-ledger', '/nonexistent/ledger'], terminal)).toBe(2);
    expect(await main(['dance'], terminal)).toBe(2);
    expect(said.join('')).toContain('There is no command "dance"');
  });
});
