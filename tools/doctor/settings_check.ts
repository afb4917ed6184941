/**
 * Whether the settings can be read, and agree with each other.
 *
 * @module
 */

import { SettingsError } from "../../shared/config.ts";
import { TASK } from "../project.ts";
import { readRunSettings } from "../run/run_settings.ts";
import type { Finding } from "./finding.ts";

/** Checks the settings of a project, in all of its files. */
export function checkSettings(root: string): Finding {
  try {
    Deno.statSync(`${root}/.env`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { level: "ok", text: `.env is not there yet: ${TASK} up makes it of .env.example` };
  }
  return judgeSettings(() => readRunSettings({ root }));
}

/** Judges settings by what reading them throws. */
export function judgeSettings(read: () => unknown): Finding {
  try {
    read();
    return { level: "ok", text: ".env, server/config.ini and client/config.yaml agree" };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { level: "fault", text: `mend them: ${error.faults.join("; ")}` };
  }
}
