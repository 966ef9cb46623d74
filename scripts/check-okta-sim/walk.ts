import okta from '@okta/okta-sdk-nodejs';
import { SANDBOX_API_TOKEN, type OktaSimulator } from '#sandbox/okta/index.ts';
import { apps, directory, groups, lifecycle, logsAndRefusals } from './journeys.ts';
import { samplePerson } from '#sandbox/company.ts';

/** Something that the walk did not expect. */
export interface Surprise {
  readonly step: string;
  readonly message: string;
}

/** Every operation that the simulator serves. The walk must call each of them. */
export const SERVED = [
  'listUsers',
  'createUser',
  'getUser',
  'updateUser',
  'replaceUser',
  'deleteUser',
  'listUserGroups',
  'listAppLinks',
  'activateUser',
  'reactivateUser',
  'deactivateUser',
  'suspendUser',
  'unsuspendUser',
  'unlockUser',
  'expirePassword',
  'expirePasswordWithTempPassword',
  'resetPassword',
  'resetFactors',
  'revokeUserSessions',
  'listFactors',
  'getFactor',
  'unenrollFactor',
  'listAssignedRolesForUser',
  'getUserAssignedRole',
  'assignRoleToUser',
  'unassignRoleFromUser',
  'listRolesForClient',
  'listRolePermissions',
  'listGroups',
  'addGroup',
  'getGroup',
  'replaceGroup',
  'deleteGroup',
  'listGroupUsers',
  'assignUserToGroup',
  'unassignUserFromGroup',
  'listApplications',
  'getApplication',
  'listApplicationUsers',
  'assignUserToApplication',
  'getApplicationUser',
  'updateApplicationUser',
  'unassignUserFromApplication',
  'listLogEvents',
  'getUserSchema',
  'listUserTypes',
  'getUserType',
] as const;

/**
 * Calls every served operation through `url` (the recording proxy): with Okta's SDK where it has the method,
 * and with plain fetch for refusals.
 */
export async function walk(sim: OktaSimulator, url: string): Promise<Surprise[]> {
  const surprises: Surprise[] = [];
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      surprises.push({
        step: name,
        message: error instanceof Error ? error.message.split('\n')[0]! : String(error),
      });
      return undefined;
    }
  };
  const raw = async (
    expected: number,
    method: string,
    path: string,
    body?: unknown,
    token = `SSWS ${SANDBOX_API_TOKEN}`,
  ): Promise<unknown> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: token,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status !== expected)
      surprises.push({ step: `${method} ${path}`, message: `expected ${expected}, got ${answer.status}` });
    const text = await answer.text();
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
  const session = { sim, url, step, raw, client: serviceClient(sim, url), ann: samplePerson('ann').oktaId };
  await directory(session);
  await lifecycle(session);
  await groups(session);
  await apps(session);
  await logsAndRefusals(session);
  return surprises;
}

/**
 * A service app with a private key, as Prokura connects. Without the SDK's cache, which serves stale users
 * for ever.
 */
const serviceClient = (sim: OktaSimulator, url: string): okta.Client =>
  new okta.Client({
    orgUrl: url,
    authorizationMode: 'PrivateKey',
    clientId: sim.serviceApp.clientId,
    scopes: [...sim.serviceApp.scopes],
    privateKey: { ...sim.serviceApp.privateKeyJwk } as unknown as string,
    cacheMiddleware: null,
    requestExecutor: new okta.DefaultRequestExecutor({ maxRetries: 0, requestTimeout: 0 }),
  });
