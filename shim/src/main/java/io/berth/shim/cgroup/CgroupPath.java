package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import java.util.function.Predicate;

/**
 * Where a container's cgroup is, below the root of every hierarchy: absolute, without a slash at
 * its end.
 */
public record CgroupPath(String text) {
  public CgroupPath {
    if (!text.startsWith("/") || text.equals("/") || text.endsWith("/")) {
      throw new BerthException.InvalidArgument("cgroup path `" + text + "`: not below the root");
    }
    for (String part : text.substring(1).split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..") || part.length() > 255) {
        throw new BerthException.InvalidArgument(
            "cgroup path `" + text + "`: `" + part + "` names no folder");
      }
    }
  }

  /**
   * From the specification. An absolute path is taken as it is; {@code slice:prefix:name} is where
   * systemd would have it; a relative one, and none, lie below the instance's own cgroup.
   *
   * @param parent of the instance, relative to the root
   * @param systemd whether the client said that it writes paths in systemd's form
   */
  public static CgroupPath of(String cgroupsPath, boolean systemd, String parent, TaskKey task) {
    String path = cgroupsPath.strip();
    if (path.isEmpty()) {
      return clean("/" + parent + "/" + task.namespace() + "/" + task.id());
    }
    String[] parts = path.split(":", -1);
    if (parts.length == 3 && (systemd || !path.startsWith("/"))) {
      String slice = parts[0].isEmpty() ? "system.slice" : parts[0];
      String name = parts[1].isEmpty() ? parts[2] : parts[1] + "-" + parts[2];
      return clean(expand(slice) + "/" + (name.endsWith(".slice") ? name : name + ".scope"));
    }
    return clean(path.startsWith("/") ? path : "/" + parent + "/" + path);
  }

  /**
   * Where a cgroup is made if a service manager has handed one over for containers: below that, for
   * nothing else is this instance's to make. What somebody has made for it, as kubelet does for a
   * pod, is taken as it is.
   *
   * @param parent what was handed over, relative to the root
   * @param present whether there is a cgroup of this path
   */
  public CgroupPath delegated(String parent, Predicate<String> present) {
    int slash = text.lastIndexOf('/');
    if (text.startsWith("/" + parent + "/")
        || (slash > 0 && present.test(text.substring(0, slash)))) {
      return this;
    }
    return new CgroupPath("/" + parent + text);
  }

  /** A slice's name holds its parents: {@code a-b.slice} lies in {@code a.slice}. */
  private static String expand(String slice) {
    if (!slice.endsWith(".slice") || slice.contains("/")) {
      throw new BerthException.InvalidArgument(
          "cgroup path: `" + slice + "` is no name of a slice");
    }
    String name = slice.substring(0, slice.length() - ".slice".length());
    if (name.equals("-")) {
      return "";
    }
    StringBuilder path = new StringBuilder();
    int dash = -1;
    while ((dash = name.indexOf('-', dash + 1)) >= 0) {
      path.append('/').append(name, 0, dash).append(".slice");
    }
    return path.append('/').append(slice).toString();
  }

  private static CgroupPath clean(String path) {
    return new CgroupPath(path.replaceAll("/+", "/").replaceAll("/$", ""));
  }

  /** Its folder in a hierarchy. */
  public String in(String mount) {
    return mount + text;
  }

  @Override
  public String toString() {
    return text;
  }
}
