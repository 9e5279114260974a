package io.berth.containerd.settings;

import java.util.List;

/**
 * A user as a root file system resolves it, in numbers.
 *
 * @param uid 0 to 2^32-1
 * @param gid of the primary group
 * @param groups numbers of the supplementary groups
 * @param home folder inside; empty where the root file system knows none
 */
public record ResolvedUser(long uid, long gid, List<Long> groups, String home) {
  /** The superuser, without what a root file system says of it. */
  public static final ResolvedUser ROOT = new ResolvedUser(0, 0, List.of(), "");

  public ResolvedUser {
    groups = List.copyOf(groups);
  }
}
