import { loadCatalogue } from '#engine/catalogue.ts';
import { openApiDocument } from '#surfaces/rest/openapi.ts';
import { generated } from './generated-file.ts';

const catalogue = await loadCatalogue(new URL('../tools/', import.meta.url));
const text = `${JSON.stringify(openApiDocument(catalogue), null, 2)}\n`;
await generated(new URL('../docs/openapi.json', import.meta.url), text);
