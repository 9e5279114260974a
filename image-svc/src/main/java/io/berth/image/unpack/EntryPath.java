package io.berth.image.unpack;

import io.berth.base.error.BerthException;

/** The path of an entry, relative to the layer's root; empty for the root itself. */
final class EntryPath {
  private static final int MAX_COMPONENT = 255;

  private EntryPath() {}

  /**
   * Takes leading slashes, {@code .} and doubled slashes out. A path with {@code ..} is refused:
   * there is no need for it in an honest archive. Names that no file system takes are refused
   * before anything is made.
   */
  static String of(String name, String subject) {
    if (isPlain(name)) {
      return name;
    }
    StringBuilder path = new StringBuilder(name.length());
    for (String part : name.split("/", -1)) {
      if (part.isEmpty() || part.equals(".")) {
        continue;
      }
      if (part.equals("..")) {
        throw new BerthException.InvalidArgument(
            "unpack `" + shown(subject) + "`: its path leads out of the root by `..`");
      }
      if (part.length() > MAX_COMPONENT) {
        throw new BerthException.InvalidArgument(
            "unpack `"
                + shown(subject)
                + "`: a part of its name is longer than "
                + MAX_COMPONENT
                + " bytes");
      }
      if (!path.isEmpty()) {
        path.append('/');
      }
      path.append(part);
    }
    return path.toString();
  }

  /** Whether a name is a plain relative path already, as most names are. */
  private static boolean isPlain(String name) {
    int start = 0;
    int length = name.length();
    for (int i = 0; i <= length; i++) {
      if (i == length || name.charAt(i) == '/') {
        int part = i - start;
        if (part == 0 || part > MAX_COMPONENT || (name.charAt(start) == '.' && part <= 2)) {
          return false;
        }
        start = i + 1;
      }
    }
    return true;
  }

  static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  static String base(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  static String join(String parent, String base) {
    return parent.isEmpty() ? base : parent + "/" + base;
  }

  static String shown(String name) {
    return (name.length() <= 200 ? name : name.substring(0, 200) + "...").replace('\n', ' ');
  }
}
