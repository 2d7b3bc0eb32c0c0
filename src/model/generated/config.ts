// Generated from schemas/config.v1.json by scripts/generate-types.ts. Do not edit.

/**
 * What holds on this machine (`/etc/pinion/config.yaml`) or for this user (`$XDG_CONFIG_HOME/pinion/config.yaml`). It is never read from a project.
 */
export interface Configuration {
  /**
   * The journals of runs.
   */
  journal: {
    /**
     * The signed heads of journals.
     */
    checkpoints: {
      /**
       * A checkpoint is made after so many entries, besides the one at every pause and at the end. The smaller number of machine and user holds; 256 where neither has one.
       */
      every?: number;
      /**
       * Where checkpoints are appended besides the run's own folder: files, and folders, which get a file for each run. The places of machine and user add up.
       *
       * Items: An absolute path; its folder must be there.
       */
      to: string[];
    };
  };
  /**
   * Whose signatures count.
   */
  trust: {
    /**
     * Whether keys of the user's keyring count. False in the machine's file: the user's keyring only revokes. The user's file cannot widen it.
     */
    userKeys: boolean;
  };
}
