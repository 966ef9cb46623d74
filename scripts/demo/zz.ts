import { startInstance } from './instance.ts';
import { writeFileSync } from 'node:fs';
const i = await startInstance();
writeFileSync('/tmp/demo-i.json', JSON.stringify(i));
setTimeout(async () => { await i.stop(); process.exit(0) }, 20*60*1000);
