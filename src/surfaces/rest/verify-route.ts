import { verify } from './verify.ts';
import { VerifyAnswer, VerifyBatch, VerifyCheck } from './verify-check.ts';
import { json } from './openapi-parts.ts';
import { route } from './route.ts';

/** The route of checks. */
export const VERIFY_ROUTES = [
  route({
    method: 'POST',
    path: '/v1/verify',
    who: { key: 'verify' },
    operationId: 'verify',
    summary:
      'Checks whether an agent can do something for a person now, for systems that gate their own actions (API key with `verify`)',
    body: {
      required: true,
      // One check or a batch: `verify` knows which, so that a problem is one of the schema that was meant.
      parse: (body) => body,
      content: (named) => json({ oneOf: [named(VerifyCheck), named(VerifyBatch)] }),
    },
    answer: {
      status: 200,
      description: 'The decision; for a batch, all decisions in order.',
      content: (named) =>
        json({
          oneOf: [
            named(VerifyAnswer),
            { type: 'object', properties: { results: { type: 'array', items: named(VerifyAnswer) } } },
          ],
        }),
    },
    refusals: [404, 409],
    handle: ({ app, kernel, caller, body, request }) => verify(app, kernel, caller, body, request.signal),
  }),
];
