import { Hono } from 'hono';
import { clearSessions, deactivate, transition } from '../changes.ts';
import { notFound, OktaError } from '../errors.ts';
import { isLifecycleOperation } from '../lifecycle.ts';
import { isoNow, type OktaEnv, type Simulation } from '../simulation.ts';
import { factorTarget, userTarget, writeLog } from '../system-log.ts';
import { factorView, userView } from '../views.ts';
import { assertMayChange, sourceOf, userOf } from './request.ts';

/**
 * `/users/{id}/lifecycle/*`, `/users/{id}/factors` and `/users/{id}/sessions`: what changes how a person
 * signs in.
 */
export function lifecycleRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.post('/users/:id/lifecycle/:operation', (c) => {
    const user = assertMayChange(c, userOf(sim, c, c.req.param('id')));
    const operation = c.req.param('operation');
    if (operation === 'deactivate') {
      deactivate(sim, sourceOf(c), user);
      return c.json({});
    }
    if (!isLifecycleOperation(operation)) throw new OktaError('E0000022');
    const sendEmail = c.req.query('sendEmail');
    if (operation === 'reset_password' && sendEmail === undefined) throw new OktaError('E0000028');
    const body = transition(sim, sourceOf(c), user, operation, {
      sendEmail,
      revokeSessions: c.req.query('revokeSessions') === 'true',
    });
    return c.json(body === null ? userView(sim, user) : (body as Record<string, unknown>));
  });
  app.get('/users/:id/factors', (c) => {
    const user = userOf(sim, c, c.req.param('id'));
    return c.json(user.factors.map((factor) => factorView(sim, user, factor)));
  });
  app.get('/users/:id/factors/:factor', (c) => {
    const user = userOf(sim, c, c.req.param('id'));
    const factor = user.factors.find((each) => each.id === c.req.param('factor'));
    if (factor === undefined) throw notFound(c.req.param('factor'), 'UserFactor');
    return c.json(factorView(sim, user, factor));
  });
  app.delete('/users/:id/factors/:factor', (c) => {
    const user = assertMayChange(c, userOf(sim, c, c.req.param('id')));
    const factor = user.factors.find((each) => each.id === c.req.param('factor'));
    if (factor === undefined) throw notFound(c.req.param('factor'), 'UserFactor');
    user.factors = user.factors.filter((each) => each !== factor);
    user.lastUpdated = isoNow(sim);
    writeLog(sim, sourceOf(c), 'user.mfa.factor.deactivate', [userTarget(user), factorTarget(factor)]);
    return c.body(null, 204);
  });
  app.delete('/users/:id/sessions', (c) => {
    clearSessions(sim, sourceOf(c), assertMayChange(c, userOf(sim, c, c.req.param('id'))));
    return c.body(null, 204);
  });
  return app;
}
