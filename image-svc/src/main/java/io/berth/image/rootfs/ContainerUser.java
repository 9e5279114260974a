package io.berth.image.rootfs;

import java.util.List;

/**
 * Whom a process runs as.
 *
 * @param uid unsigned
 * @param gid unsigned
 * @param groups supplementary ones
 * @param home directory inside
 */
public record ContainerUser(int uid, int gid, List<Integer> groups, String home) {
  public ContainerUser {
    groups = List.copyOf(groups);
  }
}
