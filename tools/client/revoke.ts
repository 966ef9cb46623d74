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
  new Fault('not_found', 'No such client may act for this person. /client list shows those that may.');

export default defineTool({
  name: 'client_revoke',
  title: 'Revoke a client',
  description:
    'Ends what a person let an MCP client do: its tokens die at once, and what it waits for is withdrawn. It must ask the person again. For yourself, your direct reports, and anybody as an IT admin.',
  input: z.object({
    client: z
      .string()
      .trim()
      .min(1)
      .max(2048)
      .describe('client_id of the client, as /client list shows it, or "all" for every one.'),
    person: CLIENT_PERSON,
  }),
  output: z.object({ revoked: z.array(z.string()).describe('client_id of each that was ended.') }),
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
        from: `may act for ${person.displayName}`,
        to: 'may not',
      })),
      effect: `Its tokens die at once. It acts for ${person.displayName} again only if they sign in to it and approve it anew.`,
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
