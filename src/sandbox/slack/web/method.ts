import type { World } from '../world.ts';
import type { Wire } from '../types.ts';
import type { Args } from './args.ts';

/** What a method needs besides its arguments. */
export interface Workspace {
  readonly world: World;
  readonly teamId: string;
  readonly appId: string;
  readonly url: () => string;
  /** The bot token's scopes. */
  readonly scopes: ReadonlySet<string>;
}

/** One Web API method: the scopes of which any one is enough (empty: none needed), and what it does. */
export interface Method {
  readonly scopes: readonly string[] | ((workspace: Workspace, args: Args) => readonly string[]);
  run(workspace: Workspace, args: Args): Wire;
}

/** Methods by name. */
export type Methods = Readonly<Record<string, Method>>;
