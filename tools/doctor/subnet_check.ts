/**
 * Checks whether the containers' network can have its subnet.
 *
 * @module
 */

import type { Subnet } from "../run/lottery_settings.ts";
import {
  dockerSubnets,
  overlapAdvice,
  overlapFault,
  overlaps,
  routedSubnets,
} from "../run/subnets.ts";
import type { DockerSubnet, UsedSubnet } from "../run/subnets.ts";
import type { Finding } from "./finding.ts";
import { dockerFaultInTime } from "./host_check.ts";

/** Compares the subnet of the containers with Docker's networks and with this machine's routes. */
export async function checkSubnet(subnet: Subnet): Promise<Finding> {
  const isUsable = await dockerFaultInTime() === undefined;
  const networks = isUsable ? await dockerSubnets() : [];
  return judgeSubnet(subnet, { networks, routes: await routedSubnets() });
}

/** Judges a subnet by the others that are in use. */
export function judgeSubnet(
  subnet: Subnet,
  { networks, routes }: { networks: readonly DockerSubnet[]; routes: readonly UsedSubnet[] },
): Finding {
  const fault = overlapFault(subnet, networks);
  if (fault !== undefined) return { level: "fault", text: fault };
  // A network of Docker has a route as well.
  const others = routes.filter(({ device }) => !networks.some((one) => one.device === device));
  const route = others.find(({ text }) => overlaps(text, subnet.text));
  if (route === undefined) {
    return { level: "ok", text: `${subnet.text} overlaps no other network` };
  }
  return {
    level: "warning",
    text:
      `${subnet.text} overlaps ${route.text} of ${route.user}: while the containers run, this ` +
      `machine does not reach the hosts there; ${overlapAdvice(subnet, [...networks, ...routes])}`,
  };
}
