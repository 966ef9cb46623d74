import { envExample } from './env-example.ts';
import { generated } from './generated-file.ts';

await generated(new URL('../.env.example', import.meta.url), envExample());
