package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Mount;
import io.berth.base.error.BerthException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The words of a mount's option list, as a person writes them, made those of the runtime. */
final class MountWords {
  private static final Set<String> PROPAGATION =
      Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");

  /** Pairs of which the later one counts. */
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

  /** Of a bind mount or a volume. INVALID_ARGUMENT names a word that is not known. */
  static MountWords bind(Mount mount) {
    MountWords words = new MountWords(mount);
    mount.getOptionsList().forEach(words::take);
    if (mount.getReadOnly()) {
      words.readOnly(true, "ro");
    }
    return words;
  }

  /** For the runtime specification. */
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
   * {@code rprivate} where none was asked for: nothing mounted on either side is seen on the other.
   */
  String propagation() {
    return propagation == null ? "rprivate" : propagation;
  }

  /** Whether a source that is missing is made, a folder. */
  boolean create() {
    return create;
  }

  private void take(String word) {
    switch (word) {
      case "", "z", "Z", "nocopy", "copy", "consistent", "cached", "delegated", "default" -> {
        // Labels and caches of other systems; what is copied into a volume is its maker's matter.
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
      throw refused(mount, word, "is not known for a " + mount.getType());
    }
    if (propagation != null && !propagation.equals(bare)) {
      throw refused(mount, word, "contradicts another one");
    }
    propagation = bare;
  }

  /** Of a tmpfs: safe defaults, unless the person says the opposite. */
  static List<String> tmpfs(Mount mount) {
    List<String> result = new ArrayList<>(List.of("noexec", "nosuid", "nodev"));
    List<String> given = new ArrayList<>(mount.getOptionsList());
    if (mount.getReadOnly()) {
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
        "mount `" + mount.getTarget() + "`: option `" + word.replace('\0', '?') + "` " + why);
  }
}
