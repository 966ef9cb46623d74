import type { z } from 'zod';
import type { Actor } from '#domain/actor.ts';
import type { ActContext, LookContext, ReadContext, TenantWriter, WriteContext } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import type { Worth } from '#domain/mandate/rules.ts';

type Obj = z.ZodObject;
type Of<T extends Obj> = z.infer<T>;

/** What a mandate must hold for a tool. `implied` is held by every mandate: looking at one's own approvals and limits. */
export type Scope = string;
export const IMPLIED_SCOPE = 'implied';

/** What policy calls the resource, by immutable id. `tenant` is the organisation as a whole. */
export type Target =
  | { readonly type: 'Person' | 'Agent' | 'Mandate' | 'Approval'; readonly id: string }
  | { readonly type: 'Tenant' };

export type Targets = readonly [Target, ...Target[]];

export const TENANT_TARGET: Targets = [{ type: 'Tenant' }];
export const personTarget = (id: string): Target => ({ type: 'Person', id });
export const agentTarget = (id: string): Target => ({ type: 'Agent', id });
export const approvalTarget = (id: string): Target => ({ type: 'Approval', id });
export const mandateTarget = (id: string): Target => ({ type: 'Mandate', id });

/** The scopes of an identity provider's access token that gate tools (requirements D4); the token exchange has one of its own. */
export type TokenScope = 'delegation:create' | 'delegation:read' | 'delegation:revoke';

/** `mild`: undone with a click. `serious`: interrupts somebody's work. `destructive`: cannot be undone. */
export type Danger = 'mild' | 'serious' | 'destructive';

/** How it is typed in Slack: `/okta reset password <person> [reason]`; words, then fields of the input in their order. */
export type Command = `/${string}`;

/** What a tool adds to the question that policy decides; what it leaves out is no. */
export interface AskedContext {
  /** It gives away something of high value: policy asks people who carry that authority. */
  readonly high_value?: boolean;
  /** The access token that asks is of a client that the organisation declared as its own portal. */
  readonly own_portal?: boolean;
}

interface Card<I extends Obj, O extends Obj> {
  /** The file's place: `tools/okta/reset-password.ts` is `okta_reset_password`. */
  readonly name: string;
  /** A button: "Reset password". */
  readonly title: string;
  /** When to use it, for people and for models. */
  readonly description: string;
  /** Form, JSON Schema and validation; every field has `.describe()`. A field with `.meta({ ref })` takes an id, an email address or a name and reaches the tool as an id. */
  readonly input: I;
  /** A member whose name sounds like a secret is not shown in Slack, unless it has `.meta({ not_secret: true })`. */
  readonly output: O;
  /** What a mandate must hold. */
  readonly scope: Scope;
  readonly command?: Command;
  /** `people`: never offered to agents and never over MCP (votes, governance). */
  readonly only?: 'people';
  /** Whether it is offered to whoever acts under this mandate, or to a person's client (null); left out: to all. A call is decided in any case. */
  offeredUnder?(mandate: { readonly depth: number } | null): boolean;
  /** Which scope a person's own access token must carry (requirements D4); a tool without it takes no such token. */
  readonly tokenScope?: TokenScope;
  /** It gives somebody back what was taken from them: where an API key asks, a human agrees first. */
  readonly loosens?: true;
  /** May be used while the organisation is frozen: the kill switch itself, its lifting, and the votes on that. */
  readonly worksFrozen?: true;
  /** It only takes authority away. Whoever may use it by the policies that stay may use it, whatever the organisation's own text says
   * and however old the directory's data is: an incident waits for neither. */
  readonly tightens?: true;
  targets(input: Of<I>): Targets;
  /** What this use is worth, for mandates that limit the amount; a tool without it cannot be used under such a mandate. */
  worth?(input: Of<I>): Worth | null;
}

/** A read whose answer may not be final yet: the engine runs it again when the call that it names changes, until `seconds` have gone. */
interface Waits<I extends Obj, O extends Obj> {
  seconds(input: Of<I>): number;
  /** Id of the call to wait for, or null where the answer is final. */
  on(output: Of<O>): string | null;
}

interface Plain<E, C, I extends Obj, O extends Obj> extends Card<I, O> {
  readonly effects: E;
  run(ctx: C, input: Of<I>): Promise<Of<O>>;
}

interface Write<I extends Obj, O extends Obj> extends Plain<'write', WriteContext, I, O> {
  readonly danger: Danger;
  /** Holds until the commit what decision and preview are about to read: what was approved cannot change between the look and the change. */
  pin?(ctx: TenantWriter, input: Of<I>, actor: Actor): Promise<void>;
  /** What it would change; also refuses what cannot be done at all, before anybody is asked to approve it. */
  preview(ctx: ReadContext, input: Of<I>): Promise<Impact>;
  /** Whether the input only names what this would do (a template, a version): then people are shown the preview before they send it. */
  unseen?(input: Of<I>): boolean;
  /** Read before it is decided, each time; must not throw for a target that is not there. */
  context?(ctx: ReadContext, input: Of<I>): Promise<AskedContext>;
}

interface Act<I extends Obj, O extends Obj, S extends Obj> extends Card<I, O> {
  readonly effects: 'act';
  readonly danger: Danger;
  readonly state: S;
  /** What is true at the provider now. */
  observe(ctx: LookContext, input: Of<I>): Promise<Of<S>>;
  /** What it would change, seen from there. Throws Fault `conflict` where the state does not allow it: then nobody is asked. */
  impact(before: Of<S>, input: Of<I>): Impact;
  /** Did an unanswered try take effect? `again`: no, or it does not matter to do it twice. */
  landed(before: Of<S>, now: Of<S>, input: Of<I>): 'yes' | 'again' | 'unknown';
  /** For what tightens: our own hold, in the transaction of the intent, before the provider is asked (law 9). Such an act is retried without end. */
  hold?(ctx: TenantWriter, input: Of<I>, actor: string): Promise<void>;
  run(ctx: ActContext, input: Of<I>, before: Of<S>): Promise<void>;
  /** What came of it. Throws Fault `unavailable` where the look does not show what the provider confirmed: then it is tried again. */
  result(before: Of<S>, now: Of<S>, input: Of<I>): Of<O>;
}

/** `read`: our rows, read-only. `write`: our rows. `look`: asks the provider. `act`: changes the provider, after the commit, recoverable. */
export type Tool<I extends Obj, O extends Obj, S extends Obj> =
  | (Plain<'read', ReadContext, I, O> & { readonly waits?: Waits<I, O> })
  | Plain<'look', LookContext, I, O>
  | Write<I, O>
  | Act<I, O, S>;

/** A tool whose own types are no longer known: inputs have been parsed by its schema before they reach it. */
export type AnyTool = Tool<Obj, Obj, Obj>;
export type AnyAct = Extract<AnyTool, { effects: 'act' }>;
export type AnyWrite = Extract<AnyTool, { effects: 'write' }>;

/**
 * Makes the file that default-exports it a tool; wrong combinations of effects, context and members do not compile. Its input takes no
 * name that it does not have: a bound that was misspelt would otherwise be none.
 */
export const defineTool = <I extends Obj, O extends Obj, S extends Obj>(tool: Tool<I, O, S>): AnyTool => ({
  ...(tool as AnyTool),
  input: tool.input.strict(),
});
