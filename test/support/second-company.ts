import type { PersonActor } from '#domain/actor.ts';
import { lastSync } from '#domain/tenant/connection.ts';
import { findPersonByUid } from '#domain/person/store.ts';
import { call } from '#engine/call.ts';
import type { Outcome } from '#engine/outcome.ts';
import { setUpTenant, type SetUpAnswer } from '#engine/set-up.ts';
import { readonly } from '#engine/transact.ts';
import { connectOkta, type OktaCredential } from '#idp/okta/index.ts';
import { SAMPLE_COMPANY, samplePerson } from '#sandbox/company.ts';
import { EVERYONE_GROUP_ID, startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { eventually, type World } from './world.ts';

/**
 * Another organisation on the same installation. It has its own Okta, in which the same people have the same
 * ids.
 */
export interface SecondCompany {
  readonly tenantId: string;
  readonly okta: OktaSimulator;
  readonly keys: SetUpAnswer['api_keys'];
  actor(key: string): Promise<PersonActor>;
  as(key: string, tool: string, input: unknown, more?: { waitMs?: number }): Promise<Outcome>;
  close(): Promise<void>;
}

/** Sets it up and waits for its import. Close it before the world. */
export async function openSecondCompany(world: World): Promise<SecondCompany> {
  const { app } = world;
  const okta = await startOktaSimulator({});
  const credential: OktaCredential = {
    kind: 'private_key',
    clientId: okta.serviceApp.clientId,
    privateKey: okta.serviceApp.privateKeyJwk,
  };
  const group = (name: string) => SAMPLE_COMPANY.groups.find((one) => one.name === name)?.oktaId ?? '';
  const answer = await setUpTenant(
    app,
    {
      name: 'Globex',
      slackTeamId: 'T0GLOBEX000',
      emailDomains: [SAMPLE_COMPANY.domain],
      administrators: [samplePerson('dana').email],
      groups: { it_admin: group('IT Admins'), manager: group('Managers'), member: EVERYONE_GROUP_ID },
      okta: {
        orgUrl: okta.url,
        credential: credential,
        issuer: `${okta.url}/oauth2/default`,
        audience: 'api://prokura',
        connect: () => connectOkta({ orgUrl: okta.url, credential, log: app.log }),
      },
    },
    () => Promise.resolve(),
  );
  const tenantId = answer.tenant_id;
  await eventually(async () => (await readonly(app, tenantId, lastSync)) !== null, 'the second import');
  const actor = async (key: string): Promise<PersonActor> => {
    const person = await readonly(app, tenantId, (reader) =>
      findPersonByUid(reader, 'okta', samplePerson(key).oktaId),
    );
    if (person === null) throw new Error(`${key} has not been imported`);
    return {
      kind: 'person',
      surface: 'slack',
      personId: person.id,
      identity: { account: `T0GLOBEX000/${samplePerson(key).slackId}`, matched_by: 'email' },
    };
  };
  return {
    tenantId,
    okta,
    keys: answer.api_keys,
    actor,
    as: async (key, tool, input, more = {}) =>
      call(app, { tenantId, actor: await actor(key), tool, input, ...more }),
    close: () => okta.close(),
  };
}
