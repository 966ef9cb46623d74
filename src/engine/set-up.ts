import type { OktaSetup } from '#domain/tenant/create.ts';
import { createTenant, mapGroup, nameAdministrator } from '#domain/tenant/create.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { savePeople } from '#domain/person/import.ts';
import { findPersonByUid } from '#domain/person/store.ts';
import type { ProviderLink, ProviderPerson } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';
import { CHECKPOINT_LEDGER } from './checkpoint.ts';
import { transact } from './transact.ts';

/** The queue of the job that imports the directory. */
export const SYNC_DIRECTORY = 'sync-directory';

/** The queue of the job that deletes what has expired and sends stuck calls again. */
export const SWEEP = 'sweep';

/** What a new tenant is created from. */
export interface SetUp {
  readonly name: string;
  readonly slackTeamId: string | null;
  readonly emailDomains: readonly string[];
  /** Work emails of the first administrators. */
  readonly administrators: readonly string[];
  /** For each role, the provider's immutable id of the group that gives it. */
  readonly groups: Readonly<Record<string, string>>;
  readonly okta: OktaSetup & { connect(): ProviderLink };
}

/** The answer to the first administrator. It is given once: the keys are not stored in clear. */
export interface SetUpAnswer {
  readonly tenant_id: string;
  readonly issuer: string;
  readonly scim_base_url: string;
  readonly api_keys: { readonly scim: string; readonly admin: string };
}

/**
 * Creates a tenant with its link to Okta, its first administrators and its first API keys, and starts the
 * import. Okta must know the administrators as ACTIVE. `claim` runs last before anything is written and may
 * refuse by throwing. Throws Fault `invalid_input` if an email is not exactly one ACTIVE person at Okta, and
 * what the gateway throws.
 */
export async function setUpTenant(app: App, setUp: SetUp, claim: () => Promise<void>): Promise<SetUpAnswer> {
  const askedAt = app.now();
  const administrators = await findAdministrators(setUp);
  await claim();
  const tenantId = newId('tnt');
  const keys = await transact(app, tenantId, async (ctx) => {
    await createTenant(ctx, app.secrets, {
      name: setUp.name,
      slackTeamId: setUp.slackTeamId,
      settings: { emailDomains: setUp.emailDomains },
      okta: setUp.okta,
    });
    for (const [role, uid] of Object.entries(setUp.groups)) await mapGroup(ctx, 'okta', uid, role);
    await savePeople(ctx, administrators, { vendor: 'okta', askedAt, actor: 'prokura' });
    for (const { uid } of administrators) {
      const person = await findPersonByUid(ctx, 'okta', uid);
      if (person !== null) await nameAdministrator(ctx, person.id);
    }
    const scim = await createApiKey(ctx, app.mode, { name: 'Okta SCIM', scopes: ['scim'], source: 'okta' });
    const admin = await createApiKey(ctx, app.mode, {
      name: 'First administrator',
      scopes: ['admin', 'ledger:read', 'calls:read', 'introspect', 'mandate_list', 'agent_list'],
    });
    ctx.enqueue(SYNC_DIRECTORY, {});
    return { scim: scim.presented, admin: admin.presented };
  });
  await startSchedules(app, tenantId);
  return {
    tenant_id: tenantId,
    issuer: `${app.baseUrl}/t/${tenantId}`,
    scim_base_url: `${app.baseUrl}/v1/scim/v2`,
    api_keys: keys,
  };
}

/**
 * Schedules a tenant's recurring jobs: a directory import every four hours, a ledger checkpoint every hour,
 * and the sweep every five minutes. Scheduling twice changes nothing.
 */
export async function startSchedules(app: Pick<App, 'queue'>, tenantId: string): Promise<void> {
  await app.queue.schedule(SYNC_DIRECTORY, '17 */4 * * *', { tenant: tenantId }, tenantId);
  await app.queue.schedule(CHECKPOINT_LEDGER, '41 * * * *', { tenant: tenantId }, tenantId);
  await app.queue.schedule(SWEEP, '*/5 * * * *', { tenant: tenantId }, tenantId);
}

async function findAdministrators(setUp: SetUp): Promise<ProviderPerson[]> {
  const link = setUp.okta.connect();
  try {
    return await Promise.all(
      setUp.administrators.map(async (email) => {
        const found = (await link.directory.findPeople(email, 10)).filter(
          (person) => person.email === email.toLowerCase(),
        );
        const [person] = found;
        if (person === undefined || found.length > 1 || person.status !== 'ACTIVE') {
          throw new Fault(
            'invalid_input',
            `Okta has no single ACTIVE person with the work email ${email}. Check the address in Okta.`,
            { detail: { problems: [{ field: 'administrators', problem: email }] } },
          );
        }
        return person;
      }),
    );
  } finally {
    await link.close();
  }
}
