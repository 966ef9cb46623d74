import { checkView } from '../blocks/check.ts';
import type { SimView, Wire } from '../types.ts';
import {
  MAX_MODAL_DEPTH,
  openModal,
  openModals,
  publishHome,
  pushModal,
  replaceView,
  wireView,
} from '../views.ts';
import type { Trigger, World } from '../world.ts';
import { refuseProblems, SlackError, type Args } from './args.ts';
import type { Methods, Workspace } from './method.ts';

/** How long a trigger_id can be exchanged. */
const TRIGGER_MS = 3000;

/** A view as an app sent it; refuses with `invalid_arguments` and Slack's words for what is wrong. */
export function viewContent(args: Args, type: 'modal' | 'home'): Wire {
  const view = args.json('view');
  if (view === undefined) args.need('view');
  refuseProblems('invalid_arguments', checkView(view, type));
  return view as Wire;
}

function exchange(world: World, args: Args): Trigger {
  const trigger = world.state.triggers[args.text('trigger_id') ?? args.need('interactivity_pointer')];
  if (trigger === undefined) throw new SlackError('invalid_trigger_id');
  if (trigger.used) throw new SlackError('exchanged_trigger_id');
  if (world.now() - trigger.createdAt > TRIGGER_MS) throw new SlackError('expired_trigger_id');
  trigger.used = true;
  return trigger;
}

function refuseDuplicate(world: World, view: Wire, except?: SimView): void {
  const id = view['external_id'];
  if (id === undefined || id === '') return;
  const twin = Object.values(world.state.views).find((one) => one.externalId === id && one !== except);
  if (twin !== undefined) throw new SlackError('duplicate_external_id');
}

function refuseStale(view: SimView | undefined, args: Args): void {
  const hash = args.text('hash');
  if (hash !== null && view !== undefined && hash !== view.hash) throw new SlackError('hash_conflict');
}

const answer = (view: SimView, { teamId, appId }: Workspace): Wire => ({
  view: wireView(view, teamId, appId),
});

/** Modals and the Home tab (`views.*`). A trigger_id lives three seconds and opens one modal. */
export const VIEW_METHODS: Methods = {
  'views.open': {
    scopes: [],
    run(workspace, args) {
      const view = viewContent(args, 'modal');
      refuseDuplicate(workspace.world, view);
      const { user } = exchange(workspace.world, args);
      return answer(openModal(workspace.world, user, view), workspace);
    },
  },
  'views.push': {
    scopes: [],
    run(workspace, args) {
      const { world } = workspace;
      const view = viewContent(args, 'modal');
      refuseDuplicate(world, view);
      const { user, viewId } = exchange(world, args);
      if (viewId === null) throw new SlackError('not_found');
      if (openModals(world, user).length >= MAX_MODAL_DEPTH) throw new SlackError('push_limit_reached');
      return answer(pushModal(world, user, view), workspace);
    },
  },
  'views.update': {
    scopes: [],
    run(workspace, args) {
      const { world } = workspace;
      const [id, external] = [args.text('view_id'), args.text('external_id')];
      if (id === null && external === null) args.need('view_id');
      const all = Object.values(world.state.views);
      const target = all.find((one) => (id === null ? one.externalId === external : one.id === id));
      if (target === undefined) throw new SlackError('not_found');
      refuseStale(target, args);
      const view = viewContent(args, target.type);
      refuseDuplicate(world, view, target);
      return answer(replaceView(world, target, view), workspace);
    },
  },
  'views.publish': {
    scopes: [],
    run(workspace, args) {
      const { world } = workspace;
      const user = world.state.users.find((one) => one.id === args.need('user_id'));
      if (user === undefined) throw new SlackError('user_not_found');
      if (user.deleted || user.isBot) throw new SlackError('not_enabled');
      refuseStale(world.state.views[world.state.homes[user.id] ?? ''], args);
      return answer(publishHome(world, user.id, viewContent(args, 'home')), workspace);
    },
  },
};
