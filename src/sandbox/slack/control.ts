import { Hono } from 'hono';
import type { SendOptions } from './delivery.ts';
import type { SlackSimulator } from './simulator.ts';
import type { ClickOptions, ClickTarget, FormValue, SimView } from './types.ts';
import type { SlackFault } from './web/faults.ts';

const same = (one: string | undefined, other: string): boolean => one === undefined || one === other;

/**
 * `/_sandbox`: the controls by which another process (the demo, the web page) acts as people. Loopback only;
 * a request from another web page, or one that is not JSON, is refused, so that no site that a developer
 * visits can act here.
 */
export function controlApi(sim: SlackSimulator): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const { origin } = new URL(sim.url);
    const foreign =
      !same(context.req.header('origin'), origin) || !same(context.req.header('host'), new URL(sim.url).host);
    const isJson =
      context.req.method !== 'POST' ||
      (context.req.header('content-type') ?? '').startsWith('application/json');
    if (foreign || !isJson)
      return context.json(
        { error: 'only requests from this sandbox itself, with a JSON body, are allowed' },
        403,
      );
    return next();
  });
  app.onError((error, context) => context.json({ error: error.message }, 422));

  const person = (id: string): ReturnType<SlackSimulator['as']> => sim.as(id);
  app.get('/as/:user', (context) => context.json({ id: person(context.req.param('user')).id }));
  app.get('/as/:user/messages', async (context) =>
    context.json(await person(context.req.param('user')).sees()),
  );
  app.get('/as/:user/inbox', async (context) =>
    context.json(await person(context.req.param('user')).inbox()),
  );
  app.post('/as/:user/types', async (context) => {
    const { text, channel } = await context.req.json<{ text: string; channel?: string }>();
    return context.json(await person(context.req.param('user')).types(text, channel));
  });
  app.post('/as/:user/clicks', async (context) => {
    const asked = await context.req.json<
      { button: string; view_id?: string; options?: ClickOptions } & ClickTarget
    >();
    const target: ClickTarget = asked.view_id === undefined ? asked : viewOf(sim, asked.view_id);
    return context.json(await person(context.req.param('user')).clicks(target, asked.button, asked.options));
  });
  app.post('/as/:user/fills', async (context) => {
    const asked = await context.req.json<{ view_id: string; values: Record<string, FormValue> }>();
    return context.json(
      await person(context.req.param('user')).fills(viewOf(sim, asked.view_id), asked.values).submits(),
    );
  });
  app.post('/as/:user/cancels', async (context) => {
    const { view_id: id } = await context.req.json<{ view_id: string }>();
    await person(context.req.param('user')).fills(viewOf(sim, id), {}).cancels();
    return context.json({});
  });
  app.post('/as/:user/options', async (context) => {
    const {
      view_id: id,
      block_id: block,
      query,
    } = await context.req.json<{ view_id: string; block_id: string; query: string }>();
    return context.json(await person(context.req.param('user')).choosesOption(viewOf(sim, id), block, query));
  });
  app.post('/as/:user/home', async (context) =>
    context.json(await person(context.req.param('user')).opensHome()),
  );
  app.get('/views/:user', async (context) => context.json(await person(context.req.param('user')).modal()));

  app.get('/messages', (context) => context.json(sim.messages(context.req.query('channel'))));
  app.get('/calls', (context) => context.json(sim.calls));
  app.post('/send', async (context) => context.json(await sim.send(await context.req.json<SendOptions>())));
  app.post('/faults', async (context) => {
    const fault = await context.req.json<SlackFault | { clear: true }>();
    if ('clear' in fault) sim.faults.clear();
    else sim.faults.add(fault);
    return context.json(sim.faults.list());
  });
  app.post('/connect', async (context) => {
    sim.connect((await context.req.json<{ url: string }>()).url);
    return context.json({});
  });
  app.post('/users/:user', async (context) =>
    context.json(await sim.setUser(context.req.param('user'), await context.req.json())),
  );
  app.post('/invite', async (context) => {
    const { channel, user } = await context.req.json<{ channel: string; user: string }>();
    sim.invite(channel, user);
    return context.json({});
  });
  return app;
}

function viewOf(sim: SlackSimulator, id: string): SimView {
  const view = sim.view(id);
  if (view === null) throw new Error(`there is no view ${id}`);
  return view;
}
