import { z } from 'zod';
import { code, listed, sentence } from '#engine/answer-words.ts';
import { scopesOf } from '#domain/scope/store.ts';
import { ScopeView, scopeView } from '#domain/scope/view.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'scope_list',
  title: 'List scopes',
  description:
    'Lists all scopes that can be delegated, with their meaning, sensitivity and the roles that can hold them.',
  input: z.object({}),
  output: z.object({ scopes: z.array(ScopeView) }),
  inWords: {
    lists: {
      scopes: {
        heading: 'Scopes',
        state: ({ sensitivity }) => (sensitivity === 'high' ? 'High value' : null),
        sentence: (one) => {
          const holders = one.holders.length === 0 ? '' : ` Only for the roles ${listed(one.holders)}.`;
          const high =
            one.amount_threshold === null
              ? ''
              : ` Above ${one.amount_threshold} ${one.currency ?? ''} a mandate is of high value.`;
          return sentence`${code(one.scope)}: ${one.description}.${holders}${high}`;
        },
        empty: 'No scopes, so nothing can be delegated. An IT admin adds one with /scope set.',
        buttons: [
          {
            text: 'Change',
            tool: 'scope_set',
            input: (one) => ({
              scope: one.scope,
              description: one.description,
              sensitivity: one.sensitivity,
              holders: one.holders,
              ...(one.amount_threshold === null ? {} : { amount_threshold: one.amount_threshold }),
              ...(one.currency === null ? {} : { currency: one.currency }),
            }),
            form: true,
          },
          { text: 'Remove', tool: 'scope_remove', input: ({ scope }) => ({ scope }), danger: true },
        ],
      },
    },
  },
  scope: IMPLIED_SCOPE,
  command: '/scope list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => ({ scopes: (await scopesOf(ctx)).map(scopeView) }),
});
