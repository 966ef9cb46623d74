import { z } from 'zod';
import { listed } from '#engine/answer-words.ts';
import { freezeReport, planFreeze } from '#domain/freeze/plan.ts';
import { freezeTarget } from '#domain/freeze/target.ts';
import { FREEZE_TARGET, FreezeReport, freezeTargets } from '#engine/freeze-input.ts';
import { defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';

export default defineTool({
  name: 'freeze_preview',
  title: 'Preview the kill switch',
  description:
    'Shows what the kill switch would stop: mandates, agents, pending approvals and tokens. It changes nothing.',
  input: z.object({ target: FREEZE_TARGET }),
  output: FreezeReport,
  inWords: {
    fields: (one) => {
      const least = one.at_least ? 'at least ' : '';
      const some = (names: readonly string[]): string =>
        names.length === 0 ? '' : `: ${listed(names.slice(0, 10))}`;
      return [
        ['Would stop', one.name],
        ['Mandates', `${least}${one.mandates}`],
        ['Agents', `${least}${one.agents}${some(one.named.agents)}`],
        ['People whose mandates stop', String(one.principals)],
        ['Requests that are withdrawn', String(one.pending_approvals)],
      ];
    },
    buttons: [
      { text: 'Freeze now', tool: 'freeze_apply', input: ({ target }) => ({ target }), danger: true },
    ],
  },
  scope: IMPLIED_SCOPE,
  only: 'people',
  worksFrozen: true,
  command: '/freeze preview <target>',
  tightens: true,
  targets: (input) => freezeTargets(input.target),
  effects: 'read',
  light: true,
  run: async (ctx, input) => freezeReport(await planFreeze(ctx, freezeTarget(input.target), { count: true })),
});
