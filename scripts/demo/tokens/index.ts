import type { Instance } from '../instance.ts';
import type { Step } from '../output.ts';
import { scene } from '../scene.ts';
import { demoAgent } from '../wire.ts';
import { browserSteps } from './browser.ts';
import { endSteps } from './end.ts';
import { exchangeSteps } from './exchange.ts';
import { resourceSteps } from './resource.ts';
import type { State } from './state.ts';

/** The tokens story: how tokens are got, narrowed, passed on, looked at and ended. */
export function tokensStory(instance: Instance): Step[] {
  const here = scene(instance);
  const state: State = {
    agent: demoAgent(instance),
    helper: demoAgent(instance),
    mandate: '',
    offline: '',
    last: '',
    newKid: '',
    browser: { clientId: '', access: '', refresh: '' },
  };
  return [
    ...exchangeSteps(here, state),
    ...resourceSteps(here, state),
    ...browserSteps(here, state),
    ...endSteps(here, state),
  ];
}
