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

/** The queue whose job imports the directory. */
export const SYNC_DIRECTORY = 'sync-directory';

/** The queue whose job tidies up. */
export const SWEEP = 'sweep';

export interface SetUp {
  readonly name: string;
  readonly slackTeamId: string | null;
  readonly emailDomains: readonly string[];
  /** Work emails of the first administrators. */
  readonly administrators: readonly string[];
  /** The provider's immutable group ids, by the role that they give. */
  readonly groups: Readonly<Record<string, string>>;
  readonly okta: OktaSetup & { connect(): ProviderLink };
}

/** What the first administrator is told, once: the keys stand nowhere else in clear. */
export interface SetUpAnswer {
  readonly tenant_id: string;
  readonly issuer: string;
  readonly scim_base_url: string;
  readonly api_keys: { readonly scim: string; readonly admin: string };
}

/**
 * Makes a tenant with its Okta, its first administrators (whom Okta must know as ACTIVE) and its first API keys, and starts the
 * import. `claim` runs last before anything is written and may refuse. Throws Fault `invalid_input` for an administrator whom
 * Okta does not know, and whatever the gateway throws.
 */
export async function setUpTenant(app: App, setUp: SetUp, claim: () => Promise<void>): Promise<SetUpAnswer> {
  const askedAt = app.now();
  const administrators = await lookUp(setUp);
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

/** Every tenant is synced every four hours (requirements K7), its ledger is signed every hour, and it is tidied every five minutes; scheduling twice changes nothing. */
export async function startSchedules(app: Pick<App, 'queue'>, tenantId: string): Promise<void> {
  await app.queue.schedule(SYNC_DIRECTORY, '17 */4 * * *', { tenant: tenantId }, tenantId);
  await app.queue.schedule(CHECKPOINT_LEDGER, '41 * * * *', { tenant: tenantId }, tenantId);
  await app.queue.schedule(SWEEP, '*/5 * * * *', { tenant: tenantId }, tenantId);
}

async function lookUp(setUp: SetUp): Promise<ProviderPerson[]> {
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
            `${email} is not exactly one ACTIVE person at Okta. Name people by their work email there.`,
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
