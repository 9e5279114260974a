package io.berth.image.rootfs;

import java.util.List;
import java.util.stream.Stream;

/**
 * The user and groups that a process runs as.
 *
 * <p>The primary group is always among the supplementary ones: otherwise a set-gid program would
 * run without it, and reach what is closed to just that group.
 *
 * @param groups supplementary ones
 * @param home directory inside
 */
public record ContainerUser(int uid, int gid, List<Integer> groups, String home) {
  public ContainerUser {
    if (!groups.contains(gid)) {
      groups = Stream.concat(Stream.of(gid), groups.stream()).toList();
    }
    groups = List.copyOf(groups);
  }
}
