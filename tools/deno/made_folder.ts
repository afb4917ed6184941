/**
 * Folders that a program generates and can generate again. This module imports nothing of std,
 * because the folder of std is one of them.
 *
 * @module
 */

import { unlessNotFound } from "../project.ts";

/** Options of {@linkcode makeFolder}. */
export interface MakeFolderOptions {
  /** Identifies the content. A folder made from another recipe is made again. */
  recipe: string;
  /** Fills an empty folder. The second folder is scratch space, removed afterwards. */
  make(folder: string, scratch: string): Promise<void>;
}

/**
 * Makes a folder unless it is there and current. It is built in another place and then renamed, so
 * that no process sees a part of it. One process at a time builds it; the others wait and then find
 * it current.
 *
 * @returns Whether the folder was made.
 */
export async function makeFolder(
  folder: string,
  { recipe, make }: MakeFolderOptions,
): Promise<boolean> {
  await Deno.mkdir(folder.slice(0, folder.lastIndexOf("/")), { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  const marker = `${folder}/.recipe`;
  if (await unlessNotFound(Deno.readTextFile(marker)) === recipe) {
    // ./denow compares this time with those of the recipe's files.
    await Deno.utime(marker, new Date(), new Date());
    return false;
  }
  const aside = `${folder}.aside`;
  await unlessNotFound(Deno.remove(aside, { recursive: true })); // left by a killed process
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
