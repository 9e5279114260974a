package io.berth.base.text;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is to be mounted where, as {@code -v}, {@code --mount} and {@code --tmpfs} say it.
 *
 * @param type bind, volume or tmpfs
 * @param source a path, or a volume's name; empty for an anonymous volume and a tmpfs
 * @param target an absolute path below the root
 * @param options in the words of the container's specification
 */
public record MountWish(
    String type, String source, String target, boolean readOnly, List<String> options) {
  private static final Set<String> PROPAGATIONS =
      Set.of("private", "rprivate", "shared", "rshared", "slave", "rslave");
  private static final Pattern MODE = Pattern.compile("[0-7]{1,5}");

  public MountWish {
    options = List.copyOf(options);
  }

  /**
   * Reads {@code SOURCE:TARGET[:OPTIONS]}, or {@code TARGET} for an anonymous volume.
   *
   * @param folder where a source that begins with a dot begins; absolute
   */
  public static MountWish volume(String word, Path folder) {
    String[] parts = word.split(":", -1);
    if (parts.length > 3) {
      throw Refusal.of("-v", word, "write SOURCE:TARGET or SOURCE:TARGET:ro");
    }
    Draft draft = new Draft("-v", word);
    draft.target = parts.length == 1 ? parts[0] : parts[1];
    draft.source = parts.length == 1 ? "" : draft.path(parts[0], folder);
    if (draft.source.startsWith("/")) {
      draft.type = "bind";
    } else if (parts.length > 1 && !VolumeName.isOne(draft.source)) {
      throw Refusal.of("-v", word, "the source is neither an absolute path nor a volume's name");
    }
    if (parts.length == 3) {
      for (String option : parts[2].split(",", -1)) {
        switch (option) {
          case "ro" -> draft.readOnly = true;
          case "rw", "z", "Z", "cached", "delegated", "consistent" -> draft.readOnly = false;
          case "nocopy" -> draft.options.add(option);
          default -> draft.options.add(draft.propagation(option));
        }
      }
    }
    return draft.wish();
  }

  /**
   * Reads {@code type=bind,src=/from,dst=/to,readonly,...}: a line of comma-separated values (RFC
   * 4180), in which a field with a comma stands in quotes.
   *
   * @param folder where a source that begins with a dot begins; absolute
   */
  public static MountWish mount(String word, Path folder) {
    Draft draft = new Draft("--mount", word);
    for (String field : fields(word)) {
      int equals = field.indexOf('=');
      String key = (equals < 0 ? field : field.substring(0, equals)).toLowerCase(Locale.ROOT);
      draft.take(key, equals < 0 ? null : field.substring(equals + 1));
    }
    draft.checkKeys();
    switch (draft.type) {
      case "bind" -> {
        draft.source = draft.path(draft.source, folder);
        if (!draft.source.startsWith("/")) {
          throw Refusal.of("--mount", word, "the source of a bind must be an absolute path");
        }
        // Unlike -v, it makes no folder where the source is missing.
        draft.options.add("nocreate");
      }
      case "volume" -> {
        if (!draft.source.isEmpty() && !VolumeName.isOne(draft.source)) {
          throw Refusal.of("--mount", word, "`" + draft.source + "` is no volume's name");
        }
      }
      case "tmpfs" -> {
        if (!draft.source.isEmpty()) {
          throw Refusal.of("--mount", word, "a tmpfs has no source");
        }
      }
      default -> throw Refusal.of("--mount", word, "type is bind, volume or tmpfs");
    }
    return draft.wish();
  }

  /** Reads {@code TARGET[:OPTIONS]} of a file system in memory. */
  public static MountWish tmpfs(String word) {
    int colon = word.indexOf(':');
    Draft draft = new Draft("--tmpfs", word);
    draft.type = "tmpfs";
    draft.target = colon < 0 ? word : word.substring(0, colon);
    String options = colon < 0 ? "" : word.substring(colon + 1);
    for (String option : options.split(",", -1)) {
      switch (option) {
        case "ro" -> draft.readOnly = true;
        case "rw", "" -> draft.readOnly = false;
        default -> draft.options.add(option);
      }
    }
    return draft.wish();
  }

  private static List<String> fields(String word) {
    List<String> fields = new ArrayList<>();
    int at = 0;
    while (at <= word.length()) {
      boolean quoted = word.startsWith("\"", at);
      int end = quoted ? closing(word, at) : comma(word, at);
      String field = word.substring(quoted ? at + 1 : at, end);
      if (!quoted && field.indexOf('"') >= 0) {
        throw Refusal.of("--mount", word, "a field with quotes inside must stand in quotes");
      }
      fields.add(quoted ? field.replace("\"\"", "\"") : field);
      at = quoted ? end + 1 : end;
      if (at < word.length() && word.charAt(at) != ',') {
        throw Refusal.of("--mount", word, "after a field in quotes comes a comma");
      }
      at++;
    }
    return fields;
  }

  private static int comma(String word, int from) {
    int comma = word.indexOf(',', from);
    return comma < 0 ? word.length() : comma;
  }

  /** Where the quotes end that begin here; two of them inside stand for one. */
  private static int closing(String word, int from) {
    int end = word.indexOf('"', from + 1);
    while (end >= 0 && word.startsWith("\"\"", end)) {
      end = word.indexOf('"', end + 2);
    }
    if (end < 0) {
      throw Refusal.of("--mount", word, "the quotes do not end");
    }
    return end;
  }

  /** What was read so far of one word. */
  private static final class Draft {
    private final String what;
    private final String word;
    private final List<String> options = new ArrayList<>();
    private final List<String> keys = new ArrayList<>();
    private String type = "volume";
    private String source = "";
    private String target = "";
    private boolean readOnly;

    Draft(String what, String word) {
      this.what = what;
      this.word = word;
    }

    /** Takes a field of {@code --mount}; a value of null stands for a key alone. */
    void take(String key, @Nullable String value) {
      keys.add(key);
      switch (key) {
        case "readonly", "ro" -> readOnly = flag(key, value);
        case "volume-nocopy" -> addIf(flag(key, value), "nocopy");
        case "bind-nonrecursive" -> addIf(flag(key, value), "bind-nonrecursive");
        default -> {
          if (value == null) {
            throw Refusal.of(what, word, "`" + key + "` is no field; write KEY=VALUE");
          }
          takeValue(key, value);
        }
      }
    }

    private void takeValue(String key, String value) {
      switch (key) {
        case "type" -> type = value.toLowerCase(Locale.ROOT);
        case "source", "src" -> source = value;
        case "target", "dst", "destination" -> target = value;
        case "bind-propagation" -> options.add(propagation(value));
        case "tmpfs-size" -> options.add("size=" + ByteSize.parse("--mount tmpfs-size", value));
        case "tmpfs-mode" -> {
          if (!MODE.matcher(value).matches()) {
            throw Refusal.of(what, word, "`" + value + "` is no mode; write 1777");
          }
          options.add("mode=" + value);
        }
        case "consistency" -> {
          // How a virtual machine may cache its host's files; there is none in between.
        }
        case "volume-driver" -> {
          if (!value.equals("local")) {
            throw Refusal.of(what, word, "there is no volume driver but local");
          }
        }
        default -> throw Refusal.of(what, word, "unknown key `" + key + "`");
      }
    }

    /** Refuses keys of another type of mount. */
    void checkKeys() {
      for (String key : keys) {
        int dash = key.indexOf('-');
        if (dash > 0 && !key.substring(0, dash).equals(type)) {
          throw Refusal.of(what, word, "`" + key + "` does not go with type=" + type);
        }
      }
    }

    private void addIf(boolean wanted, String option) {
      if (wanted) {
        options.add(option);
      }
    }

    private boolean flag(String key, @Nullable String value) {
      return switch (value) {
        case null -> true;
        case "1", "t", "T", "true", "TRUE", "True" -> true;
        case "0", "f", "F", "false", "FALSE", "False" -> false;
        default -> throw Refusal.of(what, word, key + " is true or false");
      };
    }

    /** A source as an absolute path where it begins with a dot, else as it is. */
    String path(String typed, Path folder) {
      boolean relative =
          typed.startsWith("./")
              || typed.startsWith("../")
              || typed.equals(".")
              || typed.equals("..");
      try {
        return relative ? folder.resolve(typed).normalize().toString() : typed;
      } catch (InvalidPathException e) {
        throw Refusal.of(what, word, "the source is no path");
      }
    }

    String propagation(String value) {
      if (!PROPAGATIONS.contains(value)) {
        List<String> known = PROPAGATIONS.stream().sorted().toList();
        throw Refusal.of(what, word, "`" + value + "` is none of " + String.join(", ", known));
      }
      return value;
    }

    MountWish wish() {
      if (!target.startsWith("/") || isRoot(target)) {
        throw Refusal.of(what, word, "the target must be an absolute path below /");
      }
      return new MountWish(type, source, target, readOnly, options);
    }

    private static boolean isRoot(String path) {
      int depth = 0;
      for (String name : path.split("/")) {
        depth =
            switch (name) {
              case "", "." -> depth;
              case ".." -> Math.max(0, depth - 1);
              default -> depth + 1;
            };
      }
      return depth == 0;
    }
  }
}
