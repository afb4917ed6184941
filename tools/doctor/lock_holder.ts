/**
 * The other process of the doctor's lock check. It tries to lock the file named by its argument and
 * prints `taken` or `refused`. When it reads `lock`, it waits for the lock, prints `held`, and
 * keeps the lock until it ends.
 *
 * @module
 */

const file = Deno.openSync(Deno.args[0], { read: true, write: true });
console.log(file.tryLockSync(true) ? "taken" : "refused");
const word = new Uint8Array(5);
// At the end of the input, the doctor has ended.
while (await Deno.stdin.read(word) !== null) {
  file.lockSync(true);
  console.log("held");
}
