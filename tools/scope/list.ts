import { z } from 'zod';
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
  scope: IMPLIED_SCOPE,
  command: '/scope list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => ({ scopes: (await scopesOf(ctx)).map(scopeView) }),
});
