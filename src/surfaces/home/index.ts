import type { App } from '#engine/app.ts';
import { html, page, type Markup } from '#lib/html.ts';
import { pair } from '#lib/page-parts.ts';
import { say } from '#lib/sanitise.ts';

/** The addresses of a sandbox's simulators. */
export interface Simulators {
  readonly slackUrl: string;
  readonly oktaUrl: string;
}

/**
 * `GET /`: says what runs here and where to click first, for people who open the address in the banner.
 * `simulators` is null for a live server. Shows nothing about an organisation, since anybody who reaches the
 * server can read it.
 */
export function homeSurface(app: Pick<App, 'baseUrl'>, simulators: Simulators | null) {
  return {
    name: 'home' as const,
    fetch: (request: Request): Promise<Response | null> => {
      if (new URL(request.url).pathname !== '/') return Promise.resolve(null);
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return Promise.resolve(new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } }));
      return Promise.resolve(
        page(
          simulators === null ? 'Prokura' : 'Prokura sandbox',
          simulators === null ? live(app) : sandbox(app, simulators),
        ),
      );
    },
  };
}

const interfaces = ({ baseUrl }: Pick<App, 'baseUrl'>): Markup =>
  html`<h2>Interfaces</h2>
    <dl>
      <dt>REST API</dt>
      <dd><a href="${baseUrl}/v1/openapi.json">${baseUrl}/v1/openapi.json</a></dd>
      ${pair('MCP', say`${baseUrl}/mcp`)} ${pair('SCIM 2.0', say`${baseUrl}/v1/scim/v2`)}
      <dt>Health</dt>
      <dd><a href="${baseUrl}/readyz">${baseUrl}/readyz</a></dd>
    </dl>
    <p class="soft">The documentation is in the folder docs of the repository. Start with README.md.</p>`;

const live = (app: Pick<App, 'baseUrl'>): Markup =>
  html`<h1>Prokura is running</h1>
    <p>People use it in Slack. AI agents use it over MCP.</p>
    ${interfaces(app)}`;

const sandbox = (app: Pick<App, 'baseUrl'>, { slackUrl, oktaUrl }: Simulators): Markup =>
  html`<h1>Prokura sandbox</h1>
    <p>
      People and AI agents act on a company's identity system with only the authority they actually have. This
      is a sandbox: the company Acme, its Okta and its Slack are simulated on this machine. Policies,
      approvals, mandates, tokens and the audit ledger are real.
    </p>
    <h2>Start here</h2>
    <ol>
      <li><a href="${slackUrl}">Open the simulated Slack</a>. You are Bob, who manages Ann.</li>
      <li>Type <code>/okta reset password @ann</code> and send it.</li>
      <li><a href="${oktaUrl}">Look at the simulated Okta</a>: Ann's status is now RECOVERY.</li>
    </ol>
    <p>To see the whole story on a fresh instance, run <code>npm run demo</code>.</p>
    ${interfaces(app)}`;
