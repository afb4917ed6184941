/**
 * The permissions and variables of servers and clients, for everything that starts one. The
 * Dockerfiles repeat the permissions, and a test compares them.
 *
 * @module
 */

/** The variables that a server reads. */
export const SERVER_VARIABLES: readonly string[] = [
  "AGENCIES_AMOUNT",
  "DRAW_POLL_SECONDS",
  "LOGGING_LEVEL",
  "LOTTERY_WINNER_NUMBER",
  "SERVER_*",
  "SHARED_VOLUME",
  "UDP_*",
];

/** Returns the flags of `deno run server/main.ts`: the network, its settings and its volume. */
export function serverPermissions(
  { projectRoot, sharedVolume }: { projectRoot: string; sharedVolume: string },
): string[] {
  return [
    ...healthPermissions({ projectRoot }),
    `--allow-read=${sharedVolume}`,
    `--allow-write=${sharedVolume}`,
  ];
}

/** Returns the flags of `deno run server/health.ts`: the network and the settings of the server. */
export function healthPermissions({ projectRoot }: { projectRoot: string }): string[] {
  return [
    "--no-prompt",
    "--allow-net",
    `--allow-env=${SERVER_VARIABLES.join(",")}`,
    `--allow-read=${projectRoot}`,
  ];
}

/** The flags of `deno run client/main.ts`: the network, its settings and its bets. */
export const CLIENT_PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-env=CLI_*,NOMBRE,APELLIDO,DOCUMENTO,NACIMIENTO,NUMERO",
  "--no-prompt",
];

/** Returns the flags of a client that also writes its result into a folder. */
export function reportingClientPermissions(resultsFolder: string): string[] {
  return [...CLIENT_PERMISSIONS, `--allow-write=${resultsFolder}`];
}

/**
 * The variables that `up` passes on from its own environment to the servers. It sets or checks the
 * other settings itself.
 */
export const SERVER_PASSED_ON: readonly string[] = [
  "DRAW_POLL_SECONDS",
  "LOGGING_LEVEL",
  "LOTTERY_WINNER_NUMBER",
  "SERVER_CROWDED_IDLE_SECONDS",
  "SERVER_IDLE_SECONDS",
  "SERVER_LISTEN_BACKLOG",
  "SERVER_MAX_CONNECTIONS",
  "SERVER_MAX_PACKET_BYTES",
  "SERVER_MAX_WAITING",
];

/** The variables that `up` passes on from its own environment to the clients. */
export const CLIENT_PASSED_ON: readonly string[] = [
  "CLI_ANSWER_SECONDS",
  "CLI_BATCH_BYTES_MAX",
  "CLI_BATCH_SIZE",
  "CLI_LOG_LEVEL",
  "CLI_RETRY_SECONDS",
  "CLI_WINNERS_SECONDS",
];
