import { describe, expect, test } from 'vitest';
import { changeLines } from '#engine/approve/scene.ts';

const ALLOWS = 'deploy-bot may use okta.mfa.reset on Ann Lee, for 7 days.';
const FORBIDS = 'It may not do anything else.';

describe('what would change', () => {
  test('is said once: a sentence that stands in the effect word for word is no line', () => {
    const changes = [
      { what: 'mandate', to: ALLOWS },
      { what: 'limits', to: FORBIDS },
    ];
    expect(changeLines({ changes, effect: `${ALLOWS} ${FORBIDS}` }, new Map())).toEqual([]);
    expect(changeLines({ changes, effect: ALLOWS }, new Map())).toEqual([`limits: ${FORBIDS}`]);
  });

  test('stays where the effect only has the same words: they may mean something else there', () => {
    const changes = [
      { what: 'status', to: 'active' },
      { what: 'owner', from: 'Bob', to: 'Carl' },
      { what: 'limits', from: 'none', to: FORBIDS },
    ];
    const effect = `Carl owns an active agent. ${FORBIDS}`;
    expect(changeLines({ changes, effect }, new Map())).toEqual([
      'status: active',
      'owner: Bob → Carl',
      `limits: none → ${FORBIDS}`,
    ]);
  });

  test('stays where it is only the end of a sentence of the effect', () => {
    const changes = [{ what: 'limits', to: 'act on anyone.' }];
    expect(changeLines({ changes, effect: 'It may not act on anyone. Carl owns it.' }, new Map())).toEqual([
      'limits: act on anyone.',
    ]);
  });

  test('stays where the effect is too long to be shown whole', () => {
    const changes = [{ what: 'limits', to: FORBIDS }];
    const effect = `${'x'.repeat(2600)} ${FORBIDS}`;
    expect(changeLines({ changes, effect }, new Map())).toEqual([`limits: ${FORBIDS}`]);
  });

  test('has no before for what is made, and says what goes', () => {
    const changes = [
      { what: 'template', to: 'Lost phones' },
      { what: 'scope', from: 'okta.mfa.reset' },
    ];
    expect(changeLines({ changes, effect: '' }, new Map())).toEqual([
      'template: Lost phones',
      'scope: okta.mfa.reset → (none)',
    ]);
  });
});
