package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.linux.Namespaces;

/** Turns the specification's names of namespaces into the flags of clone(2). */
public final class CloneFlags {
  private CloneFlags() {}

  /**
   * The flag of a type.
   *
   * @throws BerthException.InvalidArgument for a type that does not exist
   */
  public static int of(String type) {
    return kind(type).flag();
  }

  private static Namespaces.Kind kind(String type) {
    return switch (type) {
      case "mount" -> Namespaces.Kind.MOUNT;
      case "uts" -> Namespaces.Kind.UTS;
      case "ipc" -> Namespaces.Kind.IPC;
      case "network" -> Namespaces.Kind.NETWORK;
      case "pid" -> Namespaces.Kind.PID;
      case "user" -> Namespaces.Kind.USER;
      case "cgroup" -> Namespaces.Kind.CGROUP;
      case "time" -> Namespaces.Kind.TIME;
      default ->
          throw new BerthException.InvalidArgument(
              "namespace type `" + type + "`: there is none of that name");
    };
  }
}
