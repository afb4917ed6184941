/**
 * The nats-server program of tests with a real cluster.
 *
 * @module
 */

import { compareVersions, listNatsServers, type NatsServer } from "../tools/nodes/nats_server.ts";

let found: readonly NatsServer[] | undefined;

/**
 * Returns every nats-server that is new enough, the oldest first: what works with that one has the
 * most to put up with. NATS_SERVER chooses one. Cached.
 */
export function natsServers(): readonly NatsServer[] {
  return found ??= listNatsServers().servers
    .toSorted((one, other) => compareVersions(one.version, other.version));
}
