/**
 * What a copy of the project makes in Docker.
 *
 * @module
 */

import type { ProjectCopy } from "./project_copy.ts";

/** The containers, networks and images of a copy of the project. They are removed at the end of the block. */
export class DockerResources implements AsyncDisposable {
  readonly #copy: ProjectCopy;
  readonly #label: string;

  constructor(copy: ProjectCopy) {
    this.#copy = copy;
    this.#label = `label=com.docker.compose.project=${copy.composeProject}`;
  }

  /** Returns the ids of the running containers. */
  containers(): Promise<string[]> {
    return this.#copy.docker("ps", "--quiet", "--filter", this.#label);
  }

  /** Returns the ids of all containers, stopped ones included, and of all networks. */
  async leftovers(): Promise<string[]> {
    return [
      ...await this.#copy.docker("ps", "--all", "--quiet", "--filter", this.#label),
      ...await this.#copy.docker("network", "ls", "--quiet", "--filter", this.#label),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using down = this.#copy.task("down");
    await down.ended();
    const { composeProject } = this.#copy;
    await this.#copy.docker("image", "rm", `${composeProject}-server`, `${composeProject}-client`);
  }
}
