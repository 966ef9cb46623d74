import type { McpAddress } from '#domain/token/grant/mcp-address.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';

// The family whose tools follow up a gated call. Every toolset has them, since answers name them.
const FOLLOW_UP = 'approval';

/** Whether the address includes this tool. Does not check whether anybody may use it. */
export function isOffered(
  address: Pick<McpAddress, 'readOnly' | 'toolset'>,
  { tool, family }: Pick<CatalogueEntry, 'tool' | 'family'>,
): boolean {
  if (address.readOnly && tool.effects !== 'read' && tool.effects !== 'look') return false;
  return address.toolset === null || family === address.toolset || family === FOLLOW_UP;
}
