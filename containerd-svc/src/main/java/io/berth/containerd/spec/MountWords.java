package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.Mount;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Translates the words of a mount's options from what a person writes to what the runtime
 * specification has (OCI runtime specification, config.md, Mounts).
 */
final class MountWords {
  private static final Set<String> PROPAGATION =
      Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");

  /** Pairs of words of which the one that is given later counts. */
  private static final List<List<String>> OPPOSITES =
      List.of(
          List.of("ro", "rw"),
          List.of("noexec", "exec"),
          List.of("nosuid", "suid"),
          List.of("nodev", "dev"),
          List.of("noatime", "atime"),
          List.of("nodiratime", "diratime"),
          List.of("relatime", "norelatime"),
          List.of("strictatime", "nostrictatime"));

  private static final List<String> TMPFS_VALUES =
      List.of("size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks=", "mpol=", "huge=");

  private final Mount mount;
  private @Nullable Boolean readOnly;
  private @Nullable String propagation;
  private boolean recursive = true;
  private boolean readOnlyBelow = true;
  private boolean create = true;
  private final List<String> flags = new ArrayList<>();

  private MountWords(Mount mount) {
    this.mount = mount;
  }

  /**
   * Reads the options of a bind mount or a volume. INVALID_ARGUMENT names a word that is not known.
   */
  static MountWords bind(Mount mount) {
    MountWords words = new MountWords(mount);
    mount.options().forEach(words::take);
    if (mount.readOnly()) {
      words.readOnly(true, "ro");
    }
    return words;
  }

  /** The options as the runtime specification has them. */
  List<String> list() {
    List<String> result = new ArrayList<>();
    result.add(recursive ? "rbind" : "bind");
    result.add(propagation());
    if (Boolean.TRUE.equals(readOnly)) {
      result.add("ro");
      if (recursive && readOnlyBelow) {
        result.add("rro");
      }
    }
    result.addAll(flags);
    return List.copyOf(result);
  }

  /**
   * The wanted propagation (mount_namespaces(7)); {@code rprivate} where none was asked for, so
   * that nothing mounted on one side is seen on the other.
   */
  String propagation() {
    return propagation == null ? "rprivate" : propagation;
  }

  /** Whether a source that is missing is made, as a folder. */
  boolean create() {
    return create;
  }

  private void take(String word) {
    switch (word) {
      case "", "z", "Z", "nocopy", "copy", "consistent", "cached", "delegated", "default" -> {
        // Words for SELinux and for caches of other systems change nothing here; whether a volume
        // gets a copy of the image's files is decided where the volume is made.
      }
      case "ro", "readonly" -> readOnly(true, word);
      case "rw" -> readOnly(false, word);
      case "rbind", "bind-recursive=enabled" -> recursive = true;
      case "bind", "bind-nonrecursive", "bind-nonrecursive=true", "bind-recursive=disabled" ->
          recursive = false;
      case "bind-recursive=readonly" -> readOnlyBelow = true;
      case "bind-recursive=writable" -> readOnlyBelow = false;
      case "nocreate" -> create = false;
      case "nosuid", "nodev", "noexec", "noatime", "nodiratime", "nosymfollow" -> flags.add(word);
      default -> propagation(word);
    }
  }

  private void readOnly(boolean wanted, String word) {
    if (readOnly != null && readOnly != wanted) {
      throw refused(mount, word, "contradicts another one");
    }
    readOnly = wanted;
  }

  private void propagation(String word) {
    String bare =
        word.startsWith("bind-propagation=") ? word.substring("bind-propagation=".length()) : word;
    if (!PROPAGATION.contains(bare)) {
      throw refused(mount, word, "is not known for a " + mount.type());
    }
    if (propagation != null && !propagation.equals(bare)) {
      throw refused(mount, word, "contradicts another one");
    }
    propagation = bare;
  }

  /** The options of a tmpfs: safe defaults, unless the person says the opposite. */
  static List<String> tmpfs(Mount mount) {
    List<String> result = new ArrayList<>(List.of("noexec", "nosuid", "nodev"));
    List<String> given = new ArrayList<>(mount.options());
    if (mount.readOnly()) {
      given.add("ro");
    }
    for (String text : given) {
      if (text.isEmpty()) {
        continue;
      }
      String word = text.startsWith("tmpfs-") ? text.substring("tmpfs-".length()) : text;
      List<String> pair =
          OPPOSITES.stream().filter(both -> both.contains(word)).findFirst().orElse(List.of());
      boolean value =
          TMPFS_VALUES.stream()
              .anyMatch(name -> word.startsWith(name) && word.length() > name.length());
      if (pair.isEmpty() && !value && !word.equals("tmpcopyup")) {
        throw refused(mount, text, "is not known for a tmpfs");
      }
      if (word.indexOf(',') >= 0 || word.indexOf('\0') >= 0) {
        throw refused(mount, text, "contains a comma or a NUL character");
      }
      String key = value ? word.substring(0, word.indexOf('=') + 1) : "";
      result.removeIf(old -> pair.contains(old) || (value && old.startsWith(key)));
      result.add(word);
    }
    return List.copyOf(result);
  }

  private static BerthException refused(Mount mount, String word, String why) {
    return new BerthException.InvalidArgument(
        "mount `" + mount.target() + "`: option `" + word.replace('\0', '?') + "` " + why);
  }
}
