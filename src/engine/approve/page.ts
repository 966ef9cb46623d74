/** Where an approval is shown and decided in a browser. The address is no secret: who may see it, the page asks Okta. */
export const approvalPage = (baseUrl: string, tenantId: string, approvalId: string): string =>
  `${baseUrl}/t/${tenantId}/approvals/${approvalId}`;
