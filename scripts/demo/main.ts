import { parseArgs } from 'node:util';
import { startInstance, type Instance } from './instance.ts';
import { tell, type Step } from './output.ts';
import { delegationStory } from './delegation/index.ts';
import { mainStory } from './story.ts';
import { tokensStory } from './tokens/index.ts';

/** The stories that can be told; `--story` names one. */
const STORIES: Readonly<Record<string, (instance: Instance) => Step[]>> = {
  main: mainStory,
  delegation: delegationStory,
  tokens: tokensStory,
};

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, story: { type: 'string', default: 'main' } },
});
const story = STORIES[values.story];
if (story === undefined) {
  console.error(`There is no story "${values.story}". There are: ${Object.keys(STORIES).join(', ')}`);
  process.exit(2);
}
if (!values.json)
  console.log('A fresh sandbox starts: real PostgreSQL, real server, simulated Okta and Slack …');
const instance = await startInstance();
let passed = false;
try {
  passed = await tell(story(instance), values.json);
} finally {
  await instance.stop();
}
process.exitCode = passed ? 0 : 1;
