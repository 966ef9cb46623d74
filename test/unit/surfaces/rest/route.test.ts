import { expect, test } from 'vitest';
import { z } from 'zod';
import { answerOf, route } from '#surfaces/rest/route.ts';

const described = { operationId: 'x', summary: 'X', answer: answerOf(z.object({ id: z.string() })) };

test('what a handler reads of its path, query, body and caller, and what it returns, is checked by the compiler', () => {
  const rows = [
    route({
      ...described,
      method: 'GET',
      path: '/v1/things/{id}/parts/{part}',
      who: 'caller',
      query: z.strictObject({ limit: z.coerce.number() }),
      handle: async ({ params, query, caller }) => ({
        id: `${params.id} ${params.part} ${query.limit.toFixed()} ${caller.tenantId}`,
      }),
    }),
    route({
      ...described,
      method: 'GET',
      path: '/v1/things/{id}',
      who: 'caller',
      // @ts-expect-error the path has no parameter of this name
      handle: async ({ params }) => ({ id: params.part }),
    }),
    route({
      ...described,
      method: 'GET',
      path: '/v1/things',
      who: 'caller',
      // @ts-expect-error the route has no query
      handle: async ({ query }) => ({ id: query.limit }),
    }),
    route({
      ...described,
      method: 'GET',
      path: '/v1/things',
      who: 'anybody',
      // @ts-expect-error nobody is known here
      handle: async ({ caller }) => ({ id: caller.tenantId }),
    }),
    route({
      ...described,
      method: 'GET',
      path: '/v1/things',
      // @ts-expect-error the path names no organisation whose administrator it could be
      who: 'admin',
      handle: async () => ({ id: 'x' }),
    }),
    route({
      ...described,
      method: 'GET',
      path: '/v1/things',
      who: 'caller',
      // @ts-expect-error the answer has an id
      handle: async () => ({ name: 'x' }),
    }),
  ];
  expect(rows).toHaveLength(6);
});
