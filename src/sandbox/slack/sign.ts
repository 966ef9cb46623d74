import { createHmac } from 'node:crypto';

/**
 * The headers with which Slack signs a request: `v0=` + HMAC-SHA256 over `v0:{timestamp}:{raw body}`
 * (docs.slack.dev, "Verifying requests from Slack"). `timestampSeconds` is not checked against any clock.
 */
export function signSlackRequest(
  body: string,
  secret: string,
  timestampSeconds: number,
  version = 'v0',
): Record<string, string> {
  const digest = createHmac('sha256', secret).update(`${version}:${timestampSeconds}:${body}`).digest('hex');
  return {
    'x-slack-request-timestamp': String(timestampSeconds),
    'x-slack-signature': `${version}=${digest}`,
  };
}
