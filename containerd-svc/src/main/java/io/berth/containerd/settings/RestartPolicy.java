package io.berth.containerd.settings;

/**
 * Whether a container is started again when it has ended, in a person's words; {@link RestartRule}
 * is what they mean.
 *
 * @param name empty or {@code no}, {@code always}, {@code on-failure}, {@code unless-stopped}
 * @param maximumRetries for {@code on-failure}; 0 for no limit
 */
public record RestartPolicy(String name, int maximumRetries) {
  /** Nothing was said: it is not started again. */
  public static final RestartPolicy NONE = new RestartPolicy("", 0);
}
