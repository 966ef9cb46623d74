import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { findPerson } from '#domain/person/store.ts';
import { clientsOf, revokeClients } from '#domain/sign-in/clients.ts';
import { clientPerson, clientTargets, CLIENT_PERSON } from '#engine/client-input.ts';
import { defineTool } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

/** Stands for every client of the person. */
const ALL = 'all';
const which = (client: string): string | null => (client === ALL ? null : client);

const noClient = (): Fault =>
  new Fault(
    'not_found',
    'No such client can act for this person. Use /client list to see the clients that can.',
  );

export default defineTool({
  name: 'client_revoke',
  title: "Revoke a client's access",
  description:
    'Revokes an MCP client’s access to a person’s account: its tokens stop working immediately and its open requests are withdrawn. You can do this for yourself and your direct reports; IT admins can do it for anyone.',
  input: z.object({
    client: z
      .string()
      .trim()
      .min(1)
      .max(2048)
      .describe('client_id from client_list, or "all" for every client.'),
    person: CLIENT_PERSON,
  }),
  output: z.object({
    revoked: z.array(z.string()).describe('client_id of every client whose access was revoked.'),
  }),
  scope: 'client.manage',
  only: 'people',
  worksFrozen: true,
  command: '/client revoke <client> [person]',
  targets: clientTargets,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const person = await clientPerson(ctx, input);
    const clients = (await clientsOf(ctx, person)).filter(
      ({ clientId }) => (which(input.client) ?? clientId) === clientId,
    );
    if (clients.length === 0) throw noClient();
    return {
      changes: clients.map(({ clientId }) => ({
        what: clientId,
        from: `can act for ${person.displayName}`,
        to: 'cannot',
      })),
      effect: `Its tokens stop working immediately. To act for ${person.displayName} again, it needs a new sign-in and consent.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { id } = await clientPerson(ctx, input);
    const person = await findPerson(ctx, id, 'update');
    const by = { actor: actorName(ctx.actor) };
    const revoked = person === null ? [] : await revokeClients(ctx, person, which(input.client), by);
    if (revoked.length === 0) throw noClient();
    return { revoked };
  },
});
