import type { Instance } from '../instance.ts';
import type { Step } from '../output.ts';
import { scene } from '../scene.ts';
import { demoAgent } from '../wire.ts';
import { agentSteps, successionSteps } from './agents.ts';
import { ledgerSteps } from './ledger.ts';
import { mandateSteps } from './mandates.ts';
import { policySteps, ruleSteps } from './rules.ts';
import type { State } from './state.ts';
import { stepUpSteps } from './step-up.ts';

/**
 * The delegation story: everything that may happen to a mandate, an agent, the rules and the record of it.
 */
export function delegationStory(instance: Instance): Step[] {
  const here = scene(instance);
  const [agent, helper, payer] = [demoAgent(instance), demoAgent(instance), demoAgent(instance)];
  const state: State = {
    agent,
    helper,
    payer,
    mandate: '',
    part: '',
    invoices: '',
    verifyKey: '',
    rulesKey: '',
  };
  return [
    ...mandateSteps(here, state),
    ...agentSteps(here, state),
    ...ruleSteps(here, state),
    ...policySteps(here, state),
    ...stepUpSteps(here),
    ...successionSteps(here, state),
    ...ledgerSteps(here),
  ];
}
