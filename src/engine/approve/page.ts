/**
 * The address at which an approval is shown and decided in a browser. It is not secret: people sign in to see
 * the page.
 */
export const approvalPage = (baseUrl: string, tenantId: string, approvalId: string): string =>
  `${baseUrl}/t/${tenantId}/approvals/${approvalId}`;
