import type { z } from 'zod';
import type { Actor } from '#domain/actor.ts';
import type { ActContext, LookContext, ReadContext, TenantWriter, WriteContext } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import type { Worth } from '#domain/mandate/rules.ts';
import type { AnswerWords } from './answer-words.ts';

type Obj = z.ZodObject;
type Of<T extends Obj> = z.infer<T>;

/** The scope that a tool requires. */
export type Scope = string;
/** The scope that every mandate holds: for looking at one's own approvals and limits. */
export const IMPLIED_SCOPE = 'implied';

/** A target as policy names it, by immutable id. `Tenant` is the organisation as a whole. */
export type Target =
  | { readonly type: 'Person' | 'Agent' | 'Mandate' | 'Approval'; readonly id: string }
  | { readonly type: 'Tenant' };

/** The targets of one use of a tool; there is at least one. */
export type Targets = readonly [Target, ...Target[]];

/** For tools whose target is the organisation. */
export const TENANT_TARGET: Targets = [{ type: 'Tenant' }];
/** A person, by our id. */
export const personTarget = (id: string): Target => ({ type: 'Person', id });
/** Several people, by our ids. Throws an Error for none: the input's schema asks for one. */
export function personTargets(ids: readonly string[]): Targets {
  const [first, ...others] = ids.map(personTarget);
  if (first === undefined) throw new Error('no person is named');
  return [first, ...others];
}
/** An agent, by our id. */
export const agentTarget = (id: string): Target => ({ type: 'Agent', id });
/** An approval, by our id. */
export const approvalTarget = (id: string): Target => ({ type: 'Approval', id });
/** A mandate, by our id. */
export const mandateTarget = (id: string): Target => ({ type: 'Mandate', id });

/**
 * The scopes that a person's access token from the identity provider needs for a tool. The token exchange has
 * its own.
 */
export type TokenScope = 'delegation:create' | 'delegation:read' | 'delegation:revoke';

/**
 * `mild`: one click undoes it. `serious`: it interrupts somebody's work. `destructive`: it cannot be undone.
 */
export type Danger = 'mild' | 'serious' | 'destructive';

/**
 * How people type the tool in Slack, such as `/okta reset password <person> [reason]`: words, then fields of
 * the input in their order.
 */
export type Command = `/${string}`;

/** What a tool adds to the question that policy decides. An absent member counts as false. */
export interface AskedContext {
  /** It hands over something of high value, so policy asks people who hold that authority. */
  readonly high_value?: boolean;
  /** The access token belongs to a client that the organisation declared as its own portal. */
  readonly own_portal?: boolean;
}

interface Card<I extends Obj, O extends Obj> {
  /** Follows from the file's path: `tools/okta/reset-password.ts` is `okta_reset_password`. */
  readonly name: string;
  /** A verb phrase, the text of a button: "Reset password". */
  readonly title: string;
  /**
   * The words before the targets' names in a summary, if "<title> for" does not read well: "Suspend" Ann Lee.
   */
  readonly lead?: string;
  /** When to use the tool, for people and for models. */
  readonly description: string;
  /**
   * Defines form, JSON Schema and validation. Every field needs `.describe()`. A field with `.meta({ ref })`
   * accepts an id, an email address or a name; the tool gets an id.
   */
  readonly input: I;
  /**
   * Slack hides a member whose name suggests a secret, unless the member has `.meta({ not_secret: true })`.
   */
  readonly output: O;
  /**
   * How people read the answer: each item of a list in one sentence, with the buttons that make sense for it.
   */
  readonly inWords?: AnswerWords<Of<O>>;
  /** The scope that a mandate must hold. */
  readonly scope: Scope;
  readonly command?: Command;
  /** `people`: never offered to agents or over MCP (votes, governance). */
  readonly only?: 'people';
  /**
   * Whether the tool is offered under this mandate, or to a person's client (null). Without it, the tool is
   * offered to all. Every call is decided in any case.
   */
  offeredUnder?(mandate: { readonly depth: number } | null): boolean;
  /** The scope that a person's own access token must carry. A tool without it accepts no such token. */
  readonly tokenScope?: TokenScope;
  /** It returns something that was taken away. If an API key asks, a human must agree first. */
  readonly loosens?: true;
  /** It works while the organisation is frozen: the kill switch, its removal, and the votes on that. */
  readonly worksFrozen?: true;
  /**
   * It only takes authority away. If the policies that stay permit it, it is allowed, whatever the tenant's
   * own policies say and however old the directory data is, because an incident can wait for neither.
   */
  readonly tightens?: true;
  targets(input: Of<I>): Targets;
  /**
   * The amount of this use, for mandates that limit the amount. A tool without it cannot be used under such a
   * mandate.
   */
  worth?(input: Of<I>): Worth | null;
}

/**
 * For a read whose answer may not be final. The engine repeats it whenever the named call changes, until
 * `seconds` have passed.
 */
interface Waits<I extends Obj, O extends Obj> {
  seconds(input: Of<I>): number;
  /** The id of the call to wait for, or null if the answer is final. */
  on(output: Of<O>): string | null;
}

interface Plain<E, C, I extends Obj, O extends Obj> extends Card<I, O> {
  readonly effects: E;
  run(ctx: C, input: Of<I>): Promise<Of<O>>;
}

interface Read<I extends Obj, O extends Obj> extends Plain<'read', ReadContext, I, O> {
  /**
   * It reads a few rows by key, at any size of the organisation. Without this, the tool waits in line with
   * lists and searches (`browse`).
   */
  readonly light?: true;
  readonly waits?: Waits<I, O>;
}

interface Write<I extends Obj, O extends Obj> extends Plain<'write', WriteContext, I, O> {
  readonly danger: Danger;
  /**
   * Locks, until the commit, what the decision and the preview are about to read. What was approved then
   * cannot change before the write.
   */
  pin?(ctx: TenantWriter, input: Of<I>, actor: Actor): Promise<void>;
  /**
   * What the write would change. Throws for what cannot be done at all, so that nobody is asked to approve
   * it.
   */
  preview(ctx: ReadContext, input: Of<I>): Promise<Impact>;
  /**
   * Whether the input only names the change (a template, a version). People then see the preview before they
   * send it.
   */
  unseen?(input: Of<I>): boolean;
  /** Read before every decision. Must not throw for a target that does not exist. */
  context?(ctx: ReadContext, input: Of<I>): Promise<AskedContext>;
}

interface Act<I extends Obj, O extends Obj, S extends Obj> extends Card<I, O> {
  readonly effects: 'act';
  readonly danger: Danger;
  readonly state: S;
  /** What is true at the provider now. */
  observe(ctx: LookContext, input: Of<I>): Promise<Of<S>>;
  /**
   * What the act would change from that state. Throws Fault `conflict` if the state does not allow it; then
   * nobody is asked.
   */
  impact(before: Of<S>, input: Of<I>): Impact;
  /** Whether an unanswered try took effect. `again`: it did not, or doing it twice is harmless. */
  landed(before: Of<S>, now: Of<S>, input: Of<I>): 'yes' | 'again' | 'unknown';
  /**
   * For acts that tighten: our own hold, placed in the transaction of the intent, before the provider is
   * asked (law 9). Such an act is retried without end.
   */
  hold?(ctx: TenantWriter, input: Of<I>, actor: string): Promise<void>;
  run(ctx: ActContext, input: Of<I>, before: Of<S>): Promise<void>;
  /**
   * The output of the act. Throws Fault `unavailable` if the new state does not show what the provider
   * confirmed; then the act is retried.
   */
  result(before: Of<S>, now: Of<S>, input: Of<I>): Of<O>;
}

/**
 * What a tool may do. `read`: read our rows. `write`: change our rows. `look`: query the provider. `act`:
 * change the provider after the commit, and recover from a crash.
 */
export type Tool<I extends Obj, O extends Obj, S extends Obj> =
  | Read<I, O>
  | Plain<'look', LookContext, I, O>
  | Write<I, O>
  | Act<I, O, S>;

/** A tool without its own types. Its schema has parsed the inputs before they reach it. */
export type AnyTool = Tool<Obj, Obj, Obj>;
/** A tool that changes the provider. */
export type AnyAct = Extract<AnyTool, { effects: 'act' }>;
/** A tool that changes our rows. */
export type AnyWrite = Extract<AnyTool, { effects: 'write' }>;

/**
 * Defines the tool of the file that default-exports it. Wrong combinations of effects, context and members do
 * not compile. The input rejects unknown fields: a misspelt limit would otherwise be no limit.
 */
export const defineTool = <I extends Obj, O extends Obj, S extends Obj>(tool: Tool<I, O, S>): AnyTool => ({
  ...(tool as AnyTool),
  input: tool.input.strict(),
});
