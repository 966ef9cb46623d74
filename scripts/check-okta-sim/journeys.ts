import type okta from '@okta/okta-sdk-nodejs';
import { samplePerson } from '#sandbox/company.ts';
import { EVERYONE_GROUP_ID, SANDBOX_API_TOKEN, type OktaSimulator } from '#sandbox/okta/index.ts';

/** What a journey works with. `step` reports a failure of the SDK, `raw` an unexpected status. */
export interface Session {
  readonly sim: OktaSimulator;
  readonly url: string;
  readonly client: okta.Client;
  readonly ann: string;
  readonly step: <T>(name: string, work: () => Promise<T>) => Promise<T | undefined>;
  readonly raw: (
    expected: number,
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ) => Promise<unknown>;
}

async function all<T>(list: Promise<AsyncIterable<T | null>>, most = 1000): Promise<T[]> {
  const items: T[] = [];
  for await (const item of await list) {
    if (item === null || items.length >= most) break;
    items.push(item);
  }
  return items;
}

/**
 * Reads people and what belongs to a person; grants and removes an administrator role; reads the roles of
 * the service app.
 */
export async function directory({ sim, url, client, step, raw, ann }: Session): Promise<void> {
  await step('users by page', () => all(client.userApi.listUsers({ limit: 5 })));
  await step('users by q', () => all(client.userApi.listUsers({ q: 'an' })));
  await step('users by filter', () =>
    all(
      client.userApi.listUsers({
        filter: 'status eq "ACTIVE" and lastUpdated gt "2020-01-01T00:00:00.000Z"',
      }),
    ),
  );
  await step('users by search', () =>
    all(
      client.userApi.listUsers({
        search: '(status pr) and profile.login sw "a" or profile.department eq "IT"',
        sortBy: 'profile.lastName',
        sortOrder: 'desc',
      }),
    ),
  );
  await step('user', () => client.userApi.getUser({ userId: ann }));
  await step('groups of a user', () => all(client.userApi.listUserGroups({ userId: ann })));
  await step('app links', () => all(client.userApi.listAppLinks({ userId: ann })));
  await step('schema', () => client.schemaApi.getUserSchema({ schemaId: 'default' }));
  const types = await step('user types', () => all(client.userTypeApi.listUserTypes()));
  await step('user type', () => client.userTypeApi.getUserType({ typeId: types?.[0]?.id ?? '' }));
  await step('roles', () =>
    all(
      client.roleAssignmentApi.listAssignedRolesForUser({
        userId: samplePerson('dana').oktaId,
      }) as unknown as Promise<AsyncIterable<unknown>>,
    ),
  );
  const role = (await raw(201, 'POST', `/users/${ann}/roles`, { type: 'READ_ONLY_ADMIN' })) as { id: string };
  await raw(400, 'POST', `/users/${ann}/roles`, { type: 'READ_ONLY_ADMIN' });
  await raw(200, 'GET', `/users/${ann}/roles/${role.id}`);
  await raw(204, 'DELETE', `/users/${ann}/roles/${role.id}`);
  const { serviceApp } = sim.org;
  serviceApp.adminRoles.push('CUSTOM');
  serviceApp.customPermissions = ['okta.users.read', 'okta.iam.read'];
  await step('roles of the app', async () => {
    const answer = await fetch(`${url}/oauth2/v1/clients/${serviceApp.clientId}/roles`, {
      headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}` },
    });
    if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}`);
  });
  await raw(200, 'GET', '/iam/roles/Prokura/permissions');
  await raw(404, 'GET', '/iam/roles/Nobody/permissions');
  await raw(404, 'GET', '/users/00unobody00000000h7');
  await raw(400, 'GET', `/users?filter=${encodeURIComponent('profile.city eq "Rome"')}`);
}

/**
 * Takes a new person and Ann through every lifecycle operation, and through every refusal in a wrong status.
 */
export async function lifecycle({ sim, client, step, raw, ann }: Session): Promise<void> {
  const profile = {
    login: 'zoe@acme.example',
    email: 'zoe@acme.example',
    firstName: 'Zoe',
    lastName: 'Quist',
  };
  const zoe = await step('create', () => client.userApi.createUser({ body: { profile }, activate: false }));
  const id = zoe?.id ?? '';
  await raw(400, 'POST', '/users?activate=false', { profile });
  await step('activate', () => client.userApi.activateUser({ userId: id, sendEmail: false }));
  await raw(403, 'POST', `/users/${id}/lifecycle/activate`);
  await step('reactivate', () => client.userApi.reactivateUser({ userId: id, sendEmail: false }));
  await step('update', () =>
    client.userApi.updateUser({ userId: id, user: { profile: { title: 'Analyst' } } }),
  );
  await step('replace', () =>
    client.userApi.replaceUser({ userId: id, user: { profile: { ...profile, title: 'Engineer' } } }),
  );
  await step('suspend', () => client.userApi.suspendUser({ userId: ann }));
  await raw(400, 'POST', `/users/${ann}/lifecycle/suspend`);
  await step('unsuspend', () => client.userApi.unsuspendUser({ userId: ann }));
  await raw(400, 'POST', `/users/${ann}/lifecycle/unsuspend`);
  await fetch(`${sim.url}/_sandbox/users/${ann}/lock`, { method: 'POST' });
  await step('unlock', () => client.userApi.unlockUser({ userId: ann }));
  await raw(403, 'POST', `/users/${ann}/lifecycle/unlock`);
  await step('factors', () => all(client.userFactorApi.listFactors({ userId: ann })));
  const factor = sim.org.users.get(ann)?.factors[0]?.id ?? '';
  await step('factor', () => client.userFactorApi.getFactor({ userId: ann, factorId: factor }));
  await step('drop one factor', () => client.userFactorApi.unenrollFactor({ userId: ann, factorId: factor }));
  await raw(404, 'DELETE', `/users/${ann}/factors/${factor}`);
  await step('reset factors', () => client.userApi.resetFactors({ userId: ann }));
  await step('sessions', () =>
    client.userApi.revokeUserSessions({ userId: ann, oauthTokens: true, forgetDevices: true }),
  );
  await step('expire password', () => client.userApi.expirePassword({ userId: ann }));
  await raw(200, 'POST', `/users/${ann}/lifecycle/expire_password_with_temp_password?revokeSessions=true`);
  await step('reset password by mail', () =>
    client.userApi.generateResetPasswordToken({ userId: ann, sendEmail: true }),
  );
  await step('reset password by link', () =>
    client.userApi.generateResetPasswordToken({ userId: ann, sendEmail: false, revokeSessions: true }),
  );
  await step('deactivate', () => client.userApi.deactivateUser({ userId: id, sendEmail: false }));
  await raw(403, 'POST', `/users/${id}/lifecycle/reset_password?sendEmail=true`);
  await step('delete', () => client.userApi.deleteUser({ userId: id }));
}

/** Creates, fills, empties and deletes a group. */
export async function groups({ client, step, raw, ann }: Session): Promise<void> {
  await step('groups', () => all(client.groupApi.listGroups({ limit: 2, expand: 'stats' })));
  await step('groups by q', () => all(client.groupApi.listGroups({ q: 'Eng' })));
  await step('groups by search', () =>
    all(client.groupApi.listGroups({ search: 'type eq "OKTA_GROUP" and profile.name sw "E"' })),
  );
  const made = await step('create group', () =>
    client.groupApi.createGroup({ group: { profile: { name: 'Night shift', description: 'On call' } } }),
  );
  const id = made?.id ?? '';
  await step('group', () => client.groupApi.getGroup({ groupId: id }));
  await step('rename group', () =>
    client.groupApi.replaceGroup({
      groupId: id,
      group: { profile: { name: 'Late shift', description: 'On call' } },
    }),
  );
  await raw(400, 'POST', '/groups', { profile: { name: 'Late shift' } });
  await step('add member', () => client.groupApi.assignUserToGroup({ groupId: id, userId: ann }));
  await step('members', () => all(client.groupApi.listGroupUsers({ groupId: EVERYONE_GROUP_ID, limit: 4 })));
  await step('remove member', () => client.groupApi.unassignUserFromGroup({ groupId: id, userId: ann }));
  await raw(403, 'DELETE', `/groups/${EVERYONE_GROUP_ID}/users/${ann}`);
  await step('delete group', () => client.groupApi.deleteGroup({ groupId: id }));
  await raw(404, 'GET', `/groups/${id}`);
}

/** Reads apps and assigns Ann to one. */
export async function apps({ client, step, raw, ann }: Session): Promise<void> {
  const found = await step('apps', () => all(client.applicationApi.listApplications({ limit: 1 })));
  const saml = found?.find((each) => each.signOnMode === 'SAML_2_0')?.id ?? '';
  await step('apps of a user', () =>
    all(client.applicationApi.listApplications({ filter: `user.id eq "${ann}"`, expand: `user/${ann}` })),
  );
  for (const each of found ?? [])
    await step('app', () => client.applicationApi.getApplication({ appId: each.id ?? '' }));
  await step('app users', () =>
    all(client.applicationApi.listApplicationUsers({ appId: saml, limit: 1, expand: 'user' })),
  );
  await step('assign', () =>
    client.applicationApi.assignUserToApplication({ appId: saml, appUser: { id: ann, scope: 'USER' } }),
  );
  await step('app user', () => client.applicationApi.getApplicationUser({ appId: saml, userId: ann }));
  await step('update app user', () =>
    client.applicationApi.updateApplicationUser({
      appId: saml,
      userId: ann,
      appUser: { profile: { role: 'Seller' } },
    }),
  );
  await step('unassign', () =>
    client.applicationApi.unassignUserFromApplication({ appId: saml, userId: ann }),
  );
  await raw(404, 'GET', `/apps/${saml}/users/${ann}`);
  await raw(403, 'DELETE', `/apps/${saml}/users/${samplePerson('faye').oktaId}`);
}

/** Polls and queries the System Log, then provokes the refusals that any operation may give. */
export async function logsAndRefusals({ sim, client, step, raw }: Session): Promise<void> {
  const since = new Date(Date.now() - 60_000).toISOString();
  await step('log, polled', () =>
    all(
      client.systemLogApi.listLogEvents({
        since,
        sortOrder: 'ASCENDING',
        limit: 7,
      }),
      20,
    ),
  );
  await step('log, bounded', () =>
    all(
      client.systemLogApi.listLogEvents({
        since,
        until: new Date(Date.now() + 1000).toISOString(),
        filter: 'eventType eq "user.lifecycle.suspend"',
      }),
    ),
  );
  await raw(400, 'GET', '/logs?since=yesterday');
  await raw(401, 'GET', '/users', undefined, 'SSWS wrong');
  const token = await sim.tokenFor('bob@acme.example', {
    server: 'org',
    scopes: ['okta.users.read'],
    claims: { cid: sim.serviceApp.clientId },
  });
  await raw(403, 'GET', '/groups', undefined, `Bearer ${token}`);
  sim.fault({ path: '/api/v1/users', status: 429 });
  await raw(429, 'GET', '/users');
  sim.fault({ path: '/api/v1/users', status: 500 });
  await raw(500, 'GET', '/users');
}
