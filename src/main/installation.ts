import { runningEmbedded } from '#db/embedded.ts';
import type { Installation } from './check.ts';
import type { Config } from './config.ts';
import { oktaOfSandbox, sandboxStateIn, slackOfSandbox } from './sandbox-settings.ts';

/**
 * What these settings make of an installation, without starting any of it. Or why there is nothing to ask:
 * a sandbox that was never started.
 */
export function installationOf(config: Config): Installation | string {
  const { mode, dataFolder, sandbox } = config;
  const common = {
    mode,
    publicUrl: config.publicUrl ?? `http://127.0.0.1:${config.port}`,
    ownerUrl: config.databaseUrl ?? runningEmbedded(dataFolder),
  };
  if (config.okta !== null && config.slack !== null)
    return { ...common, okta: config.okta, slack: config.slack };
  const state = sandboxStateIn(dataFolder);
  if (state === null) return `There is no sandbox in ${dataFolder} to ask: none was ever started there.`;
  return {
    ...common,
    okta: oktaOfSandbox(state, sandbox.oktaUrl ?? `http://127.0.0.1:${state.oktaPort}`),
    slack: slackOfSandbox(sandbox.slack?.url ?? `http://127.0.0.1:${state.slackPort}`, {
      botToken: sandbox.slack?.botToken ?? state.slackBotToken,
      signingSecret: sandbox.slack?.signingSecret ?? state.slackSigningSecret,
    }),
  };
}
