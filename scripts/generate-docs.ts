import { loadCatalogue, type CatalogueEntry } from '#engine/catalogue.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';
import { generated } from './generated-file.ts';

type Property = { type?: string | string[]; description?: string; enum?: unknown[]; default?: unknown };

const EFFECTS = {
  read: 'reads Prokura’s records',
  look: 'reads from the identity provider',
  write: 'changes Prokura’s records',
  act: 'changes something at the identity provider',
} as const;

/** The section of one tool: its purpose, its requirements and its input. */
function section({ tool, inputSchema }: CatalogueEntry): string {
  const required = new Set((inputSchema['required'] ?? []) as string[]);
  const fields = Object.entries((inputSchema['properties'] ?? {}) as Record<string, Property>);
  const properties = [
    `effects: ${EFFECTS[tool.effects]}${'danger' in tool ? ` (${tool.danger})` : ''}`,
    `scope: ${tool.scope === IMPLIED_SCOPE ? 'included in every mandate' : `\`${tool.scope}\``}`,
    ...(tool.command === undefined ? [] : [`Slack: \`${tool.command}\``]),
    ...(tool.tokenScope === undefined ? [] : [`a person's access token needs \`${tool.tokenScope}\``]),
    ...(tool.only === 'people' ? ['for people only: not over MCP or with an API key'] : []),
  ];
  const rows = fields.map(
    ([name, field]) =>
      `| \`${name}\` | ${kind(field)} | ${required.has(name) ? 'yes' : 'no'} | ${cell(field.description ?? '')} |`,
  );
  const table =
    rows.length === 0
      ? ['It has no input.']
      : ['| field | type | required | meaning |', '|---|---|---|---|', ...rows];
  return [
    `### ${tool.name}`,
    '',
    `**${tool.title}.** ${tool.description}`,
    '',
    ...properties.map((property) => `- ${property}`),
    '',
    ...table,
    '',
  ].join('\n');
}

const kind = (field: Property): string =>
  cell(
    field.enum === undefined
      ? [field.type ?? 'any'].flat().join(' or ')
      : field.enum.map((one) => `\`${String(one)}\``).join(', '),
  );
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const { all } = await loadCatalogue(new URL('../tools/', import.meta.url));
const families = [...new Set(all.map((entry) => entry.family))];
const text = [
  '# Tools',
  '',
  'Generated from `tools/` by `node scripts/generate-docs.ts`. Every tool works the same in Slack, MCP and REST, and policy decides each call.',
  '',
  ...families.flatMap((family) => [
    `## ${family}`,
    '',
    ...all.filter((entry) => entry.family === family).map(section),
  ]),
].join('\n');
await generated(new URL('../docs/tools.md', import.meta.url), text);
