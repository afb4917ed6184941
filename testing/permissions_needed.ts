/**
 * Tests that are shown as ignored, with the reason in their name, where they may not run.
 *
 * @module
 */

/** A test's name, and whether it is ignored because a permission is missing. */
export function needs(
  permissions: readonly Deno.PermissionName[],
  name: string,
): { name: string; ignore: boolean } {
  const missing = permissions.filter((permission) =>
    Deno.permissions.querySync({ name: permission }).state !== "granted"
  );
  if (missing.length === 0) return { name, ignore: false };
  return { name: `${name} (needs --allow-${missing.join(" --allow-")})`, ignore: true };
}
