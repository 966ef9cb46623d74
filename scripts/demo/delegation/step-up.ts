import { samplePerson } from '#sandbox/company.ts';
import { SANDBOX_API_TOKEN } from '#sandbox/okta/index.ts';
import { approvalPages } from '../../../test/support/step-up.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';

/**
 * What Slack is not enough for: decisions with a fresh sign-in with two factors, and the one way around
 * approvals.
 */
export const stepUpSteps = (scene: Scene): Step[] => {
  const { instance } = scene;
  const pages = approvalPages({ url: instance.url, tenantId: instance.company.tenant_id });

  /** The message in somebody's Slack that has this button, and the approval that the button's link names. */
  async function linked(person: string, button: string, words: string): Promise<string> {
    const message = await scene.slack
      .as(person)
      .waitsFor((one) => [button, words].every((part) => JSON.stringify(one.blocks).includes(part)));
    const link = /"url":"([^"]*\/approvals\/(apr_[0-9a-z]{26}))"/.exec(JSON.stringify(message.blocks));
    const [, address = '', approval = ''] = link ?? [];
    must(address.startsWith(instance.url), 'the link does not lead to our own host');
    return approval;
  }
  const atOkta = async (path: string): Promise<unknown> =>
    (
      await fetch(`${instance.oktaUrl}${path}`, { headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}` } })
    ).json();
  const factors = async (key: string): Promise<number> =>
    ((await atOkta(`/api/v1/users/${samplePerson(key).oktaId}/factors`)) as unknown[]).length;

  return [
    {
      name: 'step-up',
      title:
        "To reset a manager's password, two IT admins approve in the browser, each with a second factor at Okta",
      run: async (say) => {
        await scene.send('erin', '/okta reset password @faye');
        const approval = await linked('dana', 'Approve in browser', 'Reset password for Faye Dubois');
        say(`Slack to Dana: Approve in browser → ${pages.pageOf(approval)}`);
        const first = await pages.opens('dana', approval);
        must(first.page.status === 200, `Dana sees ${first.page.status}`);
        const one = await pages.presses(first, 'approve');
        must(one.status === 200, `Dana's vote: ${one.status}`);
        const second = await pages.presses(
          await pages.opens('ivan', approval, { factor: 'token:software:totp' }),
          'approve',
        );
        must(second.status === 200, `Ivan's vote: ${second.status}`);
        await scene.until('Okta has reset it', async () => {
          const user = (await atOkta(`/api/v1/users/${samplePerson('faye').oktaId}`)) as { status: string };
          return user.status === 'RECOVERY';
        });
        const votes = (await scene.ledger('APPROVAL_VOTED')).filter(
          (entry) => entry.data['approval_id'] === approval,
        );
        for (const { data } of votes) {
          const { surface, acr, amr, auth_time } = data['identity'] as Record<string, string>;
          say(`ledger APPROVAL_VOTED: ${JSON.stringify({ surface, acr, amr, auth_time })}`);
        }
        must(votes.length === 2, `${votes.length} votes in the ledger`);
        return "two votes, each with its own sign-in; Faye's status at Okta is RECOVERY";
      },
    },
    {
      name: 'step-up-refused',
      title: 'An approver without a second factor cannot decide, and others cannot see the request',
      run: async (say) => {
        await scene.send('erin', '/okta reset multi-factor @mona');
        const approval = await linked('ivan', 'Approve in browser', 'for Mona Patel');
        await fetch(
          `${instance.oktaUrl}/api/v1/users/${samplePerson('ivan').oktaId}/lifecycle/reset_factors`,
          {
            method: 'POST',
            headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}` },
          },
        );
        const titleOf = (text: string): string => /<h1>([^<]*)<\/h1>/.exec(text)?.[1] ?? '';
        const weak = (await pages.opens('ivan', approval)).page;
        say(`Ivan, whose factors are gone: HTTP ${weak.status} ${titleOf(weak.text)}`);
        must(weak.status === 403, 'one factor was enough');
        const stranger = (await pages.opens('nina', approval)).page;
        say(`Nina: HTTP ${stranger.status} ${titleOf(stranger.text)}`);
        must(stranger.status === 404, 'Nina saw the request');
        await fetch(`${instance.oktaUrl}/_sandbox/users/${samplePerson('ivan').email}/enroll`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ factor_type: 'push' }),
        });
        const denied = await pages.presses(await pages.opens('ivan', approval), 'deny', {
          note: 'Mona has her phone again',
        });
        must(denied.status === 200, `the denial: ${denied.status}`);
        return 'Ivan enrols a factor again, signs in, and denies the request';
      },
    },
    {
      name: 'break-glass',
      title:
        'Break-glass: two people give Dana emergency access; she uses it without approval, and everyone involved is notified',
      run: async (say) => {
        await scene.send('dana', '/breakglass name @dana');
        await scene.approve('ivan', 'Add a person to break-glass');
        await scene.until(
          'Dana has break-glass access',
          async () => (await scene.ledger('BREAK_GLASS_NAMED')).length > 0,
        );
        await scene.send('dana', '/okta reset multi-factor @mona');
        const approval = await linked('dana', 'Break glass', 'for Mona Patel');
        const before = await factors('mona');
        const page = await pages.opens('dana', approval);
        const used = await pages.presses(page, 'break_glass', {
          note: 'Mona lost her phone at the airport; Ivan is on a plane',
        });
        must(used.status === 200, `break-glass: ${used.status}`);
        await scene.until('the factors are gone', async () => (await factors('mona')) === 0);
        const [use] = await scene.ledger('BREAK_GLASS_USED');
        const id = String(use?.data['use_id']);
        for (const person of ['ivan', 'erin'])
          await scene.slack.as(person).waitsFor((one) => JSON.stringify(one).includes(id));
        say(`alarm to Ivan (IT admin) and Erin (Mona's manager): ${id}`);
        return `${before} factors → 0, waived: ${JSON.stringify(use?.data['waived'])}`;
      },
    },
    {
      name: 'break-glass-reviewed',
      title: 'She cannot use it again until another person has reviewed the last use',
      run: async (say) => {
        await scene.send('dana', '/okta reset password @erin');
        const approval = await linked('dana', 'Break glass', 'for Erin Clarke');
        const blocked = (await pages.opens('dana', approval)).page.text;
        must(
          /has not been reviewed yet/.test(blocked) && !blocked.includes('<form'),
          'break-glass was offered again',
        );
        say('her page no longer offers break-glass');
        const [use] = await scene.ledger('BREAK_GLASS_USED');
        await scene.send(
          'ivan',
          `/approval review ${String(use?.data['use_id'])} "Right: Mona called me from the airport"`,
        );
        await scene.until(
          'it is reviewed',
          async () => (await scene.ledger('BREAK_GLASS_REVIEWED')).length > 0,
        );
        const again = await pages.opens('dana', approval);
        must(again.page.text.includes('Run it now'), 'break-glass is still not offered');
        const { body } = await scene.admin('GET', `/v1/approvals/${approval}`);
        must(body['state'] === 'pending', `it is ${String(body['state'])}`);
        return "after Ivan's review it is offered again; Dana does not need it";
      },
    },
  ];
};
