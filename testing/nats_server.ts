/**
 * What tests with a real cluster need.
 *
 * @module
 */

import { findNatsServer } from "../tools/nodes/nats_server.ts";
import type { Resource } from "./needs.ts";

const isThere = await findNatsServer().then(() => true, () => false);

/** A nats-server that is new enough. */
export const NATS_SERVER_RESOURCE: Resource = {
  description: "nats-server 2.10.23 or later",
  isPresent: () => isThere,
};
