import type { z } from 'zod';
import { Envelope } from '#engine/approve/envelope.ts';
import { CheckpointView, LedgerLine } from './ledger.ts';
import { json, PROBLEM, ref, schemaOf, type Json } from './openapi-parts.ts';
import { MAX_WAIT_SECONDS } from './query.ts';
import { VerifyAnswer, VerifyBatch, VerifyCheck } from './verify-check.ts';
import { ApprovalSummary, CallDetail, CallView, PreviewView } from './views.ts';

const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Envelope,
  Call: CallView,
  CallDetail,
  Approval: ApprovalSummary,
  Preview: PreviewView,
  LedgerEntry: LedgerLine,
  VerifyCheck,
  VerifyBatch,
  VerifyAnswer,
  LedgerCheckpoint: CheckpointView,
};

/** The names of schemas that several paths use, or that client generators should name. */
export const NAMED: ReadonlyMap<z.ZodType, string> = new Map(
  Object.entries(COMPONENTS).map(([name, schema]) => [schema, name]),
);

/** Those schemas, by name. */
export const SCHEMAS: Readonly<Record<string, Json>> = {
  ...Object.fromEntries(Object.entries(COMPONENTS).map(([name, schema]) => [name, schemaOf(schema)])),
  Problem: {
    type: 'object',
    description: 'RFC 9457 problem details.',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'For people: what to do next.' },
      code: { type: 'string', description: 'For programs: a stable code.' },
      problems: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            field: { type: 'string' },
            problem: { type: 'string' },
            line: { type: 'integer', description: 'Of a policy text, from 1.' },
            column: { type: 'integer', description: 'In that line, from 1.' },
          },
        },
      },
      outcome: ref('Envelope'),
      error_id: {
        type: 'string',
        description: 'Give this ID to an administrator. The cause is logged under it.',
      },
    },
  },
};

/** Responses that many endpoints have. */
export const RESPONSES = {
  Problem: { description: 'Refused.', ...PROBLEM },
  Unauthenticated: {
    description: 'The credential is missing or not valid.',
    headers: { 'WWW-Authenticate': { schema: { type: 'string' } } },
    ...PROBLEM,
  },
  Later: {
    description: 'Temporarily unavailable. Try again after Retry-After seconds.',
    headers: { 'Retry-After': { schema: { type: 'integer' } } },
    ...PROBLEM,
  },
  NotDoneYet: {
    description: 'The call is waiting for an approval, or is running. See Location.',
    headers: { Location: { schema: { type: 'string' }, description: '/v1/calls/{id}' } },
    content: json(ref('Envelope')),
  },
};

/** Headers that many endpoints accept. */
export const PARAMETERS = {
  Wait: {
    name: 'Prefer',
    in: 'header',
    description: `\`wait=N\` (RFC 7240): wait up to N seconds for an outcome, at most ${MAX_WAIT_SECONDS}. By default, the request does not wait for approvals, and waits 5 seconds for tools that change Okta.`,
    schema: { type: 'string', examples: ['wait=10'] },
  },
  Once: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Your own unique name for this request, 1 to 255 printable ASCII characters. If you repeat the same request with the same key within 48 hours, you get the first result; a different request with the same key gets 409.',
    schema: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      examples: ['5f0c1c8e-7f0e-4d39-9a8b-5f6f3f1d6f7a'],
    },
  },
  Tenant: {
    name: 'X-Prokura-Tenant',
    in: 'header',
    description:
      "The organisation, if you use a person's own access token and this server hosts more than one.",
    schema: { type: 'string', pattern: '^tnt_[0-9a-z]{26}$' },
  },
};

/** How a caller can authenticate. */
export const SECURITY = {
  api_key: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key: `tnt_…:mk_live_…`. Its scopes are tool names, `calls:read`, `ledger:read`, `admin` and others.',
  },
  delegation_token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A delegation token with the audience `<base URL>/v1`.',
  },
  access_token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "The person's access token from the identity provider, with `delegation:…` scopes.",
  },
};
