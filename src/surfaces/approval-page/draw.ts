import { html, page, type Markup } from '#lib/html.ts';
import { heading, pair, preformatted } from '#lib/page-parts.ts';
import { oneLine, say } from '#lib/sanitise.ts';
import type { Person } from '#domain/person/store.ts';
import { STEP_UP_SECONDS, type StepUp } from '#domain/sign-in/step-up.ts';
import { yourState } from '#engine/approve/your-state.ts';
import type { Scene } from '#engine/approve/scene.ts';
import type { Visit } from './sign-in.ts';

/** An approval as it is drawn for a person who has just signed in. */
export interface Sight {
  readonly scene: Scene;
  readonly person: Person;
  readonly organisation: string;
  readonly stepUp: StepUp;
  /**
   * For a requester who may use break-glass: `blocked` while the last use awaits its review. Null for
   * everybody else.
   */
  readonly emergency: 'ready' | 'blocked' | null;
}

/** Draws the whole approval, like Slack's Details, with what this person may do about it. */
export function drawApproval(visit: Visit, sight: Sight, csrf: string): Response {
  const { scene } = sight;
  const { call, approval, agent, votes } = scene.view;
  const owner = agent?.owner?.displayName ?? 'nobody';
  const title = oneLine(call.summary);
  const body = html`<p class="soft from">Prokura · ${sight.organisation}</p>
    ${heading(title)}
    <p><span class="mark">${stateOf(scene)}</span></p>
    <dl>
      ${pair('For', scene.targets.length === 0 ? say`the organisation` : oneLine(scene.targets.join(', ')))}
      ${pair('Requested by', scene.askedBy)}
      ${agent === null ? html`` : pair('Through agent', say`${agent.name}, owned by ${owner}`)}
      ${scene.mandate === null ? html`` : pair('Mandate', say`${scene.mandate.purpose} (${scene.mandate.id})`)}
      ${pair('Effect', scene.effect)} ${pair('Needs', oneLine(scene.asks.join(' ')))}
      ${approval.state === 'pending' ? pair('This request expires', oneLine(at(approval.expiresAt))) : html``}
      ${pair('Approval', say`${approval.id} · digest ${approval.digest.slice(0, 8)}`)}
    </dl>
    ${
      call.reason === null
        ? html``
        : html`${agent === null ? html`<h2>Reason</h2>` : html`<h2>Reason, written by an agent</h2>`}
            <blockquote>${call.reason}</blockquote>`
    }
    <h2>Exactly what will run</h2>
    ${preformatted([scene.toolTitle, ...scene.lines])}
    ${votes.length === 0 ? html`` : html`<h2>Votes so far</h2>`}
    ${
      votes.length === 0
        ? html``
        : html`<ul>
            ${votes.map(voteLine)}
          </ul>`
    }
    ${approval.state === 'pending' ? drawChoice(visit, sight, csrf) : html``}`;
  return page(title, body);
}

function drawChoice(visit: Visit, sight: Sight, csrf: string): Markup {
  const { scene, person, stepUp } = sight;
  const { view } = scene;
  const signedIn = html`<p class="soft">
    You are ${person.displayName} (${person.email}), signed in just now with a second factor. This sign-in is
    valid until ${at(new Date((stepUp.authTime + STEP_UP_SECONDS) * 1000))}, for this one decision.
  </p>`;
  if (view.votes.some(({ voter }) => voter.id === person.id))
    return html`<p>${yourState(view, person.id).inWords} You can close this page.</p>`;
  if (sight.emergency !== null) return html`${signedIn} ${drawEmergency(visit, sight.emergency, csrf)}`;
  return html`${signedIn}
    <form method="post" action="${new URL(visit.page).pathname}">
      <input type="hidden" name="csrf" value="${csrf}" />
      <button class="go" name="decision" value="approve">Approve</button>
    </form>
    <details>
      <summary>Deny instead…</summary>
      <form class="tall" method="post" action="${new URL(visit.page).pathname}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <label
          >Why? The requester can read this.
          <textarea name="note" rows="3" minlength="3" maxlength="1000" required></textarea>
        </label>
        <button class="stop" name="decision" value="deny">Deny</button>
      </form>
    </details>`;
}

function drawEmergency(visit: Visit, state: 'ready' | 'blocked', csrf: string): Markup {
  if (state === 'blocked')
    return html`<p class="warn">
      The last break-glass use has not been reviewed yet. Until another person reviews it (/approval review),
      your request waits for its approvals.
    </p>`;
  return html`<h2>Break glass</h2>
    <p class="warn">
      You made this request yourself. In an emergency you can run it now, without its approvals. Every IT
      admin and the manager of the person concerned are notified immediately, with your reason. Until another
      person has reviewed this use, nobody can break glass again.
    </p>
    <form class="tall" method="post" action="${new URL(visit.page).pathname}">
      <input type="hidden" name="csrf" value="${csrf}" />
      <label
        >What is the emergency?
        <textarea name="note" rows="3" minlength="3" maxlength="1000" required></textarea>
      </label>
      <button class="stop" name="decision" value="break_glass">Run it now</button>
    </form>`;
}

const voteLine = ({ voter, vote, note, at: when }: Scene['view']['votes'][number]): Markup =>
  html`<li>
    ${vote === 'approve' ? 'Approved' : 'Denied'} by ${voter.displayName},
    ${at(when)}${note === null ? '' : `: ${note}`}
  </li>`;

const STATES: Readonly<Record<Scene['view']['approval']['state'], string>> = {
  pending: 'Waiting for approval',
  approved: 'Approved',
  rejected: 'Denied',
  expired: 'Expired: nobody decided in time',
  withdrawn: 'Withdrawn',
  waived: 'Approvals waived with break-glass',
  superseded: 'Replaced: something changed, so a new approval is needed',
};

function stateOf({ view }: Scene): string {
  if (view.approval.state !== 'pending') return STATES[view.approval.state];
  const given = view.requirements.map(
    (requirement) => `${requirement.given} of ${requirement.requirement.quorum} approvals`,
  );
  return `${STATES.pending} · ${given.join(', ')}`;
}

/** In UTC: without a script the page does not know the reader's time zone. */
const at = (moment: Date): string => `${moment.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
