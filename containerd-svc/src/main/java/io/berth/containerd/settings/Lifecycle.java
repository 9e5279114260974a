package io.berth.containerd.settings;

/**
 * What becomes of a container that has ended.
 *
 * @param restart whether it is started again
 * @param autoRemove whether it removes itself
 * @param idFile where the client wrote the container's id, kept for clients that show it
 */
public record Lifecycle(RestartPolicy restart, boolean autoRemove, String idFile) {
  /** What the policy means. INVALID_ARGUMENT for one that is none or contradicts the rest. */
  public RestartRule rule() {
    return RestartRule.of(restart.name(), restart.maximumRetries(), autoRemove);
  }

  /** The same with another policy. */
  public Lifecycle withRestart(RestartPolicy changed) {
    return new Lifecycle(changed, autoRemove, idFile);
  }
}
