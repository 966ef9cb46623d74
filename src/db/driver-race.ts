/**
 * Whether an uncaught error is the known race of postgres.js 3.4.9: a query was about to be written just
 * when its connection was lost (`nextWrite` on a socket that is gone). The query itself has been rejected,
 * so nothing else has to be done.
 */
export const isDriverRace = (error: unknown): boolean =>
  error instanceof TypeError &&
  /reading 'write'/.test(error.message) &&
  /postgres\/src\/connection\.js/.test(error.stack ?? '');
