import type { CallDesk } from '#domain/call/desk.ts';
import type { TenantWriter } from '#domain/context.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from '../app.ts';
import { decide } from '../decide/decide.ts';
import { readContext } from '../explain.ts';
import { parseInput } from '../input.ts';
import { resolveReferences } from '../references.ts';
import { approvalPage } from './page.ts';
import { approvalDigest, findDeadlock, inputDigestOf } from './ask.ts';

/** What tools that decide about calls may ask, inside the transaction of `ctx`. */
export function callDesk(
  app: Pick<App, 'baseUrl' | 'catalogue' | 'policies' | 'secrets' | 'loginIssuer'>,
  ctx: TenantWriter,
): CallDesk {
  return {
    recast: async ({ tool: name, actor }, raw) => {
      const entry = app.catalogue.get(name);
      if (entry?.tool.effects !== 'write')
        throw new Fault('conflict', 'Only changes inside Prokura can be requested in another form.');
      const { tool } = entry;
      const input = await resolveReferences(ctx, entry, actor, parseInput(entry, raw));
      await tool.pin?.(ctx, input, actor);
      const reading = readContext(app, ctx, actor);
      const extra = await tool.context?.(reading, input);
      const question = {
        entry,
        actor,
        targets: tool.targets(input),
        adminRoles: new Map(),
        worth: tool.worth?.(input) ?? null,
        ...(extra && { extra }),
      };
      const decision = await decide(ctx, app.policies, question, 'share');
      if (!decision.allowed) return { denial: decision.denial };
      const impact = await tool.preview(reading, input);
      const recast = {
        input,
        inputDigest: inputDigestOf(app, { tenantId: ctx.tenantId, tool: name, actor, input }),
        decision: decision.saved,
        impact,
        digest: approvalDigest(app, entry, input, impact, decision.saved.policyDigest),
      };
      return { denial: null, recast };
    },
    deadlock: (call, recast) => findDeadlock(app, ctx, recast.decision.requirements, call),
    isAct: (tool) => app.catalogue.get(tool)?.tool.effects === 'act',
    page: (approvalId) => approvalPage(app.baseUrl, ctx.tenantId, approvalId),
  };
}
