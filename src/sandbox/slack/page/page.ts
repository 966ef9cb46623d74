import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { APP } from '../seed.ts';
import type { SlackSimulator } from '../simulator.ts';
import type { SimChannel, SimMessage, SimUser, SimView } from '../types.ts';
import { openModals } from '../views.ts';
import type { World } from '../world.ts';
import { drawBlocks, type Drawing } from './blocks.ts';
import { momentOf } from './dates.ts';
import { html, type Html, type Part } from './html.ts';
import { mrkdwn, type Names } from './mrkdwn.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/**
 * The page on which a developer is a sample person: conversations, messages with their buttons, modals, the
 * Home tab.
 */
export function page(sim: SlackSimulator, world: World): Hono {
  const app = new Hono();
  app.use(async (context, next): Promise<Response | undefined> => {
    if (context.req.header('host') !== new URL(sim.url).host)
      return context.text('this sandbox accepts only requests to its own address', 403);
    await next();
    context.header('content-security-policy', POLICY);
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    context.header('cache-control', 'no-store');
    return undefined;
  });
  app.get('/_page/style.css', (context) =>
    context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }),
  );
  app.get('/_page/app.js', (context) =>
    context.body(SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  app.get('/_page/state', (context) => {
    const user = chosenUser(world, context.req.query('as'));
    const channel = chosenChannel(world, user, context.req.query('channel'));
    const modal = openModals(world, user.id).at(-1) ?? null;
    const parts = {
      main: (channel === 'home' ? drawHome(world, user) : drawConversation(world, user, channel)).markup,
      modal: modal === null ? '' : drawModal(world, modal).markup,
      side: drawSide(world, user, channel).markup,
      modalKey: modal === null ? '' : `${modal.id}:${modal.hash}`,
    };
    return context.json({ ...parts, key: createHash('sha256').update(JSON.stringify(parts)).digest('hex') });
  });
  app.get('/', (context) => {
    const user = chosenUser(world, context.req.query('as'));
    const channel = chosenChannel(world, user, context.req.query('channel'));
    return context.html(drawPage(world, user, channel).markup);
  });
  return app;
}

type Place = SimChannel | 'home';

const people = (world: World): SimUser[] => world.state.users.filter((one) => !one.isBot && !one.deleted);

function chosenUser(world: World, name = 'mona'): SimUser {
  const user = world.user(name) ?? people(world)[0];
  if (user === undefined) throw new Error('the workspace is empty');
  return user;
}

function chosenChannel(world: World, user: SimUser, id: string | undefined): Place {
  if (id === 'home') return 'home';
  const channel = id === undefined ? undefined : world.channel(id);
  return channel !== undefined && world.canSee(user, channel) ? channel : world.directMessage(user.id);
}

function drawing(world: World, values: Drawing['values']): Drawing {
  const names: Names = {
    user: (id) => world.user(id)?.displayName ?? id,
    channel: (id) => world.channel(id)?.name ?? id,
    group: (id) => world.state.userGroups.find((one) => one.id === id)?.handle ?? id,
  };
  const users = people(world).map((one) => [one.id, one.displayName] as const);
  const channels = world.state.channels
    .filter((one) => one.kind !== 'im')
    .map((one) => [one.id, `#${one.name}`] as const);
  return { names, values, choices: { users, channels } };
}

function drawMessage(world: World, message: SimMessage): Html {
  const author = world.user(message.user);
  const draw = drawing(world, world.state.messageValues[`${message.channel}:${message.ts}`] ?? {});
  const body: Part =
    message.blocks.length > 0
      ? drawBlocks(message.blocks, draw)
      : html`<p>${mrkdwn(message.text, draw.names)}</p>`;
  const kind = [message.ephemeralFor !== null && 'ephemeral', message.threadTs !== null && 'reply']
    .filter(Boolean)
    .join(' ');
  return html`<article class="message ${kind}" data-ts="${message.ts}" data-channel="${message.channel}">
    <header>
      <strong>${author?.displayName ?? message.user}</strong
      >${message.botId !== null && html`<span class="tag">APP</span>`}
      ${momentOf(Math.floor(Number(message.ts)), '{time}')}${message.editedTs !== null && html`<small>(edited)</small>`}
    </header>
    ${message.ephemeralFor !== null && html`<small class="only">Only visible to you</small>`}
    <div class="body">${body}</div>
  </article>`;
}

/** Messages with their thread's replies beneath them. */
function drawConversation(world: World, user: SimUser, channel: Place): Html {
  const id = channel === 'home' ? '' : channel.id;
  const seen = world.state.messages.filter(
    (one) =>
      one.channel === id && !one.deleted && (one.ephemeralFor === null || one.ephemeralFor === user.id),
  );
  const roots = seen.filter((one) => one.threadTs === null);
  const drawn = roots.slice(-80).flatMap((root) => [root, ...seen.filter((one) => one.threadTs === root.ts)]);
  if (drawn.length === 0)
    return html`<p class="empty">
      Nothing here yet. Type a command below, for example <code>/okta help</code>.
    </p>`;
  return html`${drawn.map((one) => drawMessage(world, one))}`;
}

function drawHome(world: World, user: SimUser): Html {
  const home = world.state.views[world.state.homes[user.id] ?? ''];
  if (home === undefined) return html`<p class="empty">The app has not published a Home tab for you yet.</p>`;
  return html`<article class="home" data-view="${home.id}">
    ${drawBlocks(home.blocks, drawing(world, home.values))}
  </article>`;
}

function drawModal(world: World, view: SimView): Html {
  return html`<form class="modal" data-view="${view.id}">
    <header><h2>${view.title}</h2></header>
    <div class="body">${drawBlocks(view.blocks, drawing(world, view.values))}</div>
    <p class="error whole"></p>
    <footer>
      <button type="button" class="plain" data-cancel>
        ${view.close ?? (view.submit === null ? 'Close' : 'Cancel')}
      </button>
      ${view.submit !== null && html`<button type="submit" class="primary">${view.submit}</button>`}
    </footer>
  </form>`;
}

function drawSide(world: World, user: SimUser, current: Place): Html {
  const channels = world.state.channels.filter((one) => one.kind !== 'im' && world.canSee(user, one));
  const direct = world.directMessage(user.id);
  const entry = (id: string, words: string): Html => {
    const on = (current === 'home' ? 'home' : current.id) === id;
    return html`<a class="${on ? 'on' : ''}" href="/?as=${user.name}&channel=${id}">${words}</a>`;
  };
  return html`<h4>${world.user(APP.botUserId)?.realName}</h4>
    ${entry('home', 'Home')}${entry(direct.id, 'Messages')}
    <h4>Channels</h4>
    ${channels.map((one) => entry(one.id, `# ${one.name}`))}`;
}

function drawPage(world: World, user: SimUser, channel: Place): Html {
  const title = channel === 'home' ? 'Home' : channel.kind === 'im' ? 'Prokura' : `# ${channel.name}`;
  const options = people(world).map((one) => {
    const words = `${one.displayName} (${one.name})${one.title === '' ? '' : `, ${one.title}`}`;
    return one === user
      ? html`<option value="${one.name}" selected>${words}</option>`
      : html`<option value="${one.name}">${words}</option>`;
  });
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Simulated Slack: sandbox</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="stylesheet" href="/_page/style.css" />
        <script src="/_page/app.js" defer></script>
      </head>
      <body data-as="${user.name}" data-channel="${channel === 'home' ? 'home' : channel.id}">
        <div class="banner">Simulated Slack: sandbox</div>
        <nav>
          <label
            >You are
            <select id="who">
              ${options}
            </select></label
          >
          <div id="side">${drawSide(world, user, channel)}</div>
        </nav>
        <section class="place">
          <header><h1>${title}</h1></header>
          <div id="main" tabindex="-1"></div>
          <div id="notice" role="status"></div>
          <form id="say" ${channel === 'home' && 'hidden'}>
            <input
              id="text"
              autocomplete="off"
              placeholder="Message, or a command such as /okta help"
              aria-label="Message or command"
            /><button class="primary">Send</button>
          </form>
        </section>
        <div id="modal"></div>
      </body>
    </html>`;
}
