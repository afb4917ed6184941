import { assertEquals } from "@std/assert";
import { AddressGroups } from "./address_groups.ts";

interface Member {
  source: string;
  name: string;
}

/** Groups with a member for each name, whose first letter is its address. */
function groupsOf(...names: string[]): { groups: AddressGroups<Member>; members: Member[] } {
  const groups = new AddressGroups<Member>();
  const members = names.map((name) => ({ source: name[0], name }));
  for (const member of members) groups.add(member);
  return { groups, members };
}

const namesOf = (members: Iterable<Member>) => Array.from(members, ({ name }) => name);

Deno.test("AddressGroups counts members by address", () => {
  const { groups, members } = groupsOf("a1", "b1", "a2");
  assertEquals([groups.size, groups.count("a"), groups.count("b"), groups.count("c")], [
    3,
    2,
    1,
    0,
  ]);
  groups.add(members[0]);
  groups.delete(members[1]);
  groups.delete(members[1]);
  assertEquals([groups.size, groups.count("a"), groups.count("b")], [2, 2, 0]);
  assertEquals([...groups.sources()], ["a"]);
  assertEquals(namesOf(groups.of("a")), ["a1", "a2"]);
  assertEquals(namesOf(groups), ["a1", "a2"]);
});

Deno.test("AddressGroups.largest() returns all addresses that have most members", () => {
  assertEquals(groupsOf("a1", "b1", "b2", "c1", "c2").groups.largest(), ["b", "c"]);
  assertEquals(groupsOf().groups.largest(), []);
});

Deno.test("AddressGroups.eldestOfLargest() returns the first to join, of an address that has most", () => {
  const { groups, members } = groupsOf("a1", "c1", "b1", "b2", "c2");
  assertEquals(groups.eldestOfLargest()?.name, "c1");
  groups.delete(members[1]);
  assertEquals(groups.eldestOfLargest()?.name, "b1");
  groups.delete(members[2]);
  assertEquals(groups.eldestOfLargest()?.name, "a1");
  assertEquals(groupsOf().groups.eldestOfLargest(), undefined);
});

Deno.test("AddressGroups.eldestOfLeast() returns the first to join, of an address with the least rank", () => {
  const { groups } = groupsOf("a1", "c1", "b1", "b2");
  assertEquals(groups.eldestOfLeast((source) => source === "a" ? 1 : 0)?.name, "c1");
  assertEquals(groups.eldestOfLeast((source) => source === "b" ? 0 : 1)?.name, "b1");
});
