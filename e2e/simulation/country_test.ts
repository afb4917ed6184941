import { assertGreaterOrEqual } from "@std/assert";
import { runCountry } from "./country.ts";

Deno.test("runCountry() stores what every agency sends once, through elections and losses", async () => {
  const { messages } = await runCountry({ agencies: 300, servers: 5, partitions: 8 });
  // A mark and a batch three times, and the close.
  assertGreaterOrEqual(messages, 300 * 7);
});
