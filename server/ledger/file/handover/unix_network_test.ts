import { assert, assertEquals } from "@std/assert";
import { tempFolder } from "../../../../testing/temp_folder.ts";
import { unixNetwork } from "./unix_network.ts";

Deno.test({
  name: "unixNetwork() replaces a socket that was left, and notices that its own was removed",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = tempFolder();
    const path = `${folder.path}/.writer.sock`;
    Deno.writeTextFileSync(path, "left");
    const network = unixNetwork(folder.path);
    assert(network !== undefined);
    const listener = network.listen();
    const accepted = listener[Symbol.asyncIterator]().next();
    (await network.connect()).close();
    (await accepted).value.close();
    assert(listener.isReachable());
    Deno.removeSync(path);
    assertEquals(listener.isReachable(), false);
    Deno.writeTextFileSync(path, "another");
    assertEquals(listener.isReachable(), false);
    listener.close();
  },
});
