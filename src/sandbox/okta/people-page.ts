import { Hono } from 'hono';
import { html } from 'hono/html';
import type { OktaEnv, Simulation } from './simulation.ts';
import { displayName } from './system-log.ts';
import type { UserRecord } from './types.ts';

/**
 * `GET /`: the people of the simulated org with status, factors and groups, to see what Prokura changed
 * there.
 */
export function peoplePage(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/', (c) => {
    const users = sim.org.users
      .values()
      .toArray()
      .toSorted((a, b) => displayName(a).localeCompare(displayName(b)));
    c.header('cache-control', 'no-store');
    return c.html(
      html`<!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <title>People · Okta (sandbox)</title>
            <style>
              body {
                font:
                  16px/1.5 system-ui,
                  sans-serif;
                max-width: 64rem;
                margin: 2rem auto;
                padding: 0 1rem;
              }
              table {
                border-collapse: collapse;
                width: 100%;
              }
              th,
              td {
                text-align: left;
                vertical-align: top;
                padding: 0.4rem 0.75rem 0.4rem 0;
                border-bottom: 1px solid #c9ced6;
              }
              .status {
                font-weight: 600;
              }
              .soft {
                color: #59636f;
              }
            </style>
          </head>
          <body>
            <h1>People</h1>
            <p>
              This is the sandbox's simulated Okta. Reload the page to see changes. ${users.length} people.
            </p>
            <table>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Status</th>
                  <th>Second factors</th>
                  <th>Groups</th>
                </tr>
              </thead>
              <tbody>
                ${users.slice(0, SHOWN).map((user) => row(sim, user))}
              </tbody>
            </table>
            ${users.length > SHOWN ? html`<p class="soft">Only the first ${SHOWN} are shown.</p>` : ''}
          </body>
        </html>`,
    );
  });
  return app;
}

const SHOWN = 200;

function row(sim: Simulation, user: UserRecord) {
  const groups = sim.org.groups
    .values()
    .filter((group) => group.members.has(user.id))
    .map((group) => String(group.profile['name']))
    .toArray();
  return html`<tr>
    <td>${displayName(user)}<br /><span class="soft">${String(user.profile['login'])}</span></td>
    <td class="status">${user.status}</td>
    <td>${user.factors.map(({ factorType }) => factorType).join(', ') || 'none'}</td>
    <td>${groups.join(', ')}</td>
  </tr>`;
}
