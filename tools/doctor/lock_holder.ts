/**
 * The other process of the doctor's check of locks. It tries to lock the file that it is given, says how
 * that went, and at the word `lock` waits for the lock, says so and keeps it until it ends.
 *
 * @module
 */

const file = Deno.openSync(Deno.args[0], { read: true, write: true });
console.log(file.tryLockSync(true) ? "taken" : "refused");
const word = new Uint8Array(5);
// Without a word the doctor is gone.
while (await Deno.stdin.read(word) !== null) {
  file.lockSync(true);
  console.log("held");
}
