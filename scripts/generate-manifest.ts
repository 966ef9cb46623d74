/** Writes manifest.yml from the catalogue's commands. With `--check`, says whether it is fresh. */
import { stringify } from 'yaml';
import { loadCatalogue } from '#engine/catalogue.ts';
import { commandRegistry } from '#surfaces/slack/commands/registry.ts';
import { manifest } from '#surfaces/slack/manifest.ts';
import { generated } from './generated-file.ts';

const header =
  '# Generated from the tools by scripts/generate-manifest.ts; do not edit. Replace https://prokura.example.com with your own address.\n';
const registry = commandRegistry(await loadCatalogue(new URL('../tools/', import.meta.url)));
const text = header + stringify(manifest(registry, 'https://prokura.example.com'), { lineWidth: 0 });
await generated(new URL('../manifest.yml', import.meta.url), text);
