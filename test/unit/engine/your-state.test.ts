import { expect, test } from 'vitest';
import type { ApprovalView } from '#engine/approve/view.ts';
import { yourState } from '#engine/approve/your-state.ts';

const NAMES = { dana: 'Dana Ruiz', ivan: 'Ivan Novak', erin: 'Erin Clarke', bob: 'Bob Meyer' } as const;
type Key = keyof typeof NAMES;
const person = (id: Key) => ({ id, displayName: NAMES[id] });

/** Bob has asked; each requirement wants so many approvals of these people, of whom some have voted. */
function view(
  requirements: readonly (readonly [quorum: number, eligible: readonly Key[], given: number])[],
  approved: readonly Key[],
): ApprovalView {
  return {
    call: { principalId: 'bob' },
    approval: { state: 'pending' },
    votes: approved.map((id) => ({ voter: person(id), vote: 'approve' })),
    requirements: requirements.map(([quorum, eligible, given]) => ({
      requirement: { quorum },
      eligible: eligible.map(person),
      given,
    })),
  } as unknown as ApprovalView;
}

const two = view([[2, ['dana', 'ivan'], 1]], ['dana']);

test.each([
  ['who has voted', two, 'dana', 'voted', 'You approved; Ivan Novak is left to approve.'],
  ['who has not', two, 'ivan', 'approver', 'Dana Ruiz approved; your approval is needed.'],
  ['who asked', two, 'bob', 'requester', 'Dana Ruiz approved; Ivan Novak is left to approve.'],
  ['nobody in particular', two, null, 'observer', 'Dana Ruiz approved; Ivan Novak is left to approve.'],
  [
    'who asked, before anybody voted',
    view([[1, ['dana'], 0]], []),
    'bob',
    'requester',
    'Nobody has approved yet; Dana Ruiz is left to approve.',
  ],
  [
    'who voted, where one of several must still agree',
    view([[2, ['dana', 'ivan', 'erin'], 1]], ['dana']),
    'dana',
    'voted',
    'You approved; one more approval is needed, from Erin Clarke or Ivan Novak.',
  ],
  [
    'who voted, where each of two requirements lacks an approval',
    view(
      [
        [2, ['dana', 'ivan'], 1],
        [1, ['erin'], 0],
      ],
      ['dana'],
    ),
    'dana',
    'voted',
    'You approved; Erin Clarke and Ivan Novak are left to approve.',
  ],
  [
    'who could vote only for what has its approvals',
    view(
      [
        [1, ['dana', 'ivan'], 1],
        [1, ['erin'], 0],
      ],
      ['dana'],
    ),
    'ivan',
    'approver',
    'Dana Ruiz approved; Erin Clarke is left to approve.',
  ],
  [
    'who voted, where nobody else can any more',
    view([[2, ['dana'], 1]], ['dana']),
    'dana',
    'voted',
    'You approved; nobody is left who can approve.',
  ],
] as const)('an approval says of %s who has voted and who is left', (_, approval, reader, you, inWords) => {
  const state = yourState(approval, reader);
  expect(state).toMatchObject({ you, inWords });
  for (const { voter } of approval.votes) expect(state.left).not.toContain(voter.displayName);
});
