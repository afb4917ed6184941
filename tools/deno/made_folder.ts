/**
 * Folders that a program builds for itself and can always rebuild. It imports nothing of std, because the folder
 * of std is one of them.
 *
 * @module
 */

import { unlessNotFound } from "../project.ts";

/** How to make a folder. */
export interface MadeFolderOptions {
  /** Names what the folder holds; a folder that was made after another recipe is made anew. */
  recipe: string;
  /** Fills an empty folder. The second folder is for scratch and is removed afterwards. */
  make(folder: string, scratch: string): Promise<void>;
  /** Makes it even if it is there and current. @default {false} */
  force?: boolean;
}

/**
 * Makes a folder unless it is there and current: beside its place, and renamed at the end, so that nobody sees half of
 * it. One process at a time does so; the others wait and find it made. Answers whether it had to be made.
 */
export async function makeFolder(
  folder: string,
  { recipe, make, force = false }: MadeFolderOptions,
): Promise<boolean> {
  const parent = folder.slice(0, folder.lastIndexOf("/"));
  await Deno.mkdir(parent, { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  const marker = `${folder}/.recipe`;
  if (!force && await unlessNotFound(Deno.readTextFile(marker)) === recipe) {
    // The time says when it was last found current, for those who compare it with the recipe's own files.
    await Deno.utime(marker, new Date(), new Date());
    return false;
  }
  const aside = `${folder}.aside`;
  await unlessNotFound(Deno.remove(aside, { recursive: true })); // left by a process that was killed
  try {
    await Deno.mkdir(`${aside}/new`, { recursive: true });
    await Deno.mkdir(`${aside}/scratch`);
    await make(`${aside}/new`, `${aside}/scratch`);
    await Deno.writeTextFile(`${aside}/new/.recipe`, recipe);
    await unlessNotFound(Deno.rename(folder, `${aside}/old`));
    await Deno.rename(`${aside}/new`, folder);
  } finally {
    await Deno.remove(aside, { recursive: true });
  }
  return true;
}
