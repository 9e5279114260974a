package io.berth.base.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.layout.RootFolders;
import io.berth.linux.KernelFeature;
import io.berth.linux.Overlays;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The configuration in force. Thread-safe; all problems of a file are told at once. */
public final class Config {
  /** The longest state path, in bytes: a task's sockets below it must fit unix(7)'s sun_path. */
  public static final int MAX_STATE_BYTES = 70;

  /** The longest root path, in bytes: 128 lower layers must fit the page of mount(2)'s options. */
  public static final int MAX_ROOT_BYTES = 200;

  /** With less than one of these nobody would be served. */
  private static final List<Key> BOUNDS =
      List.of(
          Key.CLIENTS_CONNECTIONS,
          Key.CLIENTS_CONNECTIONS_PER_PROCESS,
          Key.CLIENTS_CALLS,
          Key.CLIENTS_CALLS_PER_PROCESS,
          Key.CONTAINERD_SUBSCRIPTIONS,
          Key.CONTAINERD_SUBSCRIPTIONS_PER_PROCESS,
          Key.CONTAINERD_EVENT_BACKLOG);

  private final @Nullable Path file;
  private final Map<Key, JsonNode> given;
  private final Map<String, Path> sockets;

  @GuardedBy("this")
  private @Nullable Overlays overlays;

  private Config(@Nullable Path file, Map<Key, JsonNode> given, Map<String, Path> sockets) {
    this.file = file == null ? null : file.toAbsolutePath();
    this.given = given;
    this.sockets = Map.copyOf(sockets);
  }

  /** A configuration of which every key has its default. */
  public static Config defaults() {
    return new Config(null, new EnumMap<>(Key.class), Map.of());
  }

  /** Reads a file; INVALID_ARGUMENT lists every problem in it, NOT_FOUND when it is missing. */
  public static Config read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new BerthException.NotFound(
          "read configuration `"
              + file
              + "`: "
              + (Files.exists(file) ? e.getMessage() : "no such file"),
          e);
    }
    return parse(file, text);
  }

  /** Reads a text instead of a file, for tests. */
  public static Config parse(@Nullable Path file, String text) {
    JsonNode tree;
    try {
      tree = new TomlMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new BerthException.InvalidArgument(
          "read configuration `" + file + "`: " + e.getOriginalMessage(), e);
    }
    Map<Key, JsonNode> given = new EnumMap<>(Key.class);
    List<String> problems = new ArrayList<>();
    collect("", tree, given, problems);
    Config config = new Config(file, given, Map.of());
    config.check(problems);
    if (!problems.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "configuration `" + file + "`: " + String.join("; ", problems));
    }
    return config;
  }

  private static void collect(
      String prefix, JsonNode node, Map<Key, JsonNode> given, List<String> problems) {
    node.properties()
        .forEach(entry -> {
          String name = prefix + entry.getKey();
          Key key = find(name);
          if (key != null) {
            given.put(key, entry.getValue());
          } else if (entry.getValue().isObject()) {
            collect(name + ".", entry.getValue(), given, problems);
          } else {
            problems.add("unknown key `" + name + "`, did you mean `" + nearest(name) + "`?");
          }
        });
  }

  private void check(List<String> problems) {
    given.forEach((key, value) -> {
      boolean fits =
          switch (key.kind()) {
            case TEXT -> value.isTextual();
            case PATH -> value.isTextual() && value.textValue().startsWith("/");
            case NUMBER -> value.isIntegralNumber();
            case FLAG -> value.isBoolean();
            case TEXT_LIST -> value.isArray() && value.valueStream().allMatch(JsonNode::isTextual);
          };
      if (!fits) {
        problems.add("key `" + key.key() + "`: " + value + " is no " + describe(key.kind()));
      }
    });
    if (!problems.isEmpty()) {
      return;
    }
    for (Key key : BOUNDS) {
      if (number(key) < 1 || number(key) > Integer.MAX_VALUE) {
        problems.add(
            "key `" + key.key() + "`: " + number(key) + " is not between 1 and 2147483647");
      }
    }
    checkLength(problems, "state", state(), MAX_STATE_BYTES, "sockets");
    checkLength(problems, "root", root(), MAX_ROOT_BYTES, "mount options");
    if (!List.of("error", "warning", "info", "debug")
        .contains(text(Key.LOG_LEVEL).toLowerCase(Locale.ROOT))) {
      problems.add(
          "key `log_level`: `"
              + text(Key.LOG_LEVEL)
              + "` is none of error, warning, info and debug");
    }
    if (!text(Key.INSTANCE).matches("([0-9a-f]{6})?")) {
      problems.add("key `instance`: `" + text(Key.INSTANCE) + "` is not six hex digits");
    }
    for (String name : texts(Key.WITHOUT_FEATURES)) {
      if (KernelFeature.replaceable(name).isEmpty()) {
        problems.add(
            "key `without_features`: there is no feature `"
                + name
                + "` that can be replaced; there are "
                + KernelFeature.names());
      }
    }
    if (!List.of("", "overlayfs", "native").contains(text(Key.IMAGE_SNAPSHOTTER))) {
      problems.add(
          "key `image.snapshotter`: `"
              + text(Key.IMAGE_SNAPSHOTTER)
              + "` is neither overlayfs nor native");
    }
    if (!List.of("pool", "container").contains(text(Key.SHIM_ISOLATION))) {
      problems.add(
          "key `shim.isolation`: `" + text(Key.SHIM_ISOLATION) + "` is neither pool nor container");
    }
  }

  private static void checkLength(
      List<String> problems, String key, Path path, int most, String room) {
    if (bytes(path) > most) {
      problems.add(
          "key `%s`: `%s` has %d bytes, at most %d leave room for %s; choose a shorter path"
              .formatted(key, path, bytes(path), most, room));
    }
  }

  private static int bytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  private static String describe(Key.Kind kind) {
    return switch (kind) {
      case TEXT -> "text";
      case PATH -> "absolute path";
      case NUMBER -> "whole number";
      case FLAG -> "true or false";
      case TEXT_LIST -> "list of texts";
    };
  }

  private static @Nullable Key find(String name) {
    for (Key key : Key.values()) {
      if (key.key().equals(name)) {
        return key;
      }
    }
    return null;
  }

  private static String nearest(String name) {
    return List.of(Key.values()).stream()
        .map(Key::key)
        .min(Comparator.comparingInt(key -> distance(key, name)))
        .orElseThrow();
  }

  /** The Levenshtein distance of two names, by which a mistyped key is recognized. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitution = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitution, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }

  /**
   * The file that the configuration was read from, absolute, for a process that is started with it
   * may stand in another folder; null for defaults.
   */
  public @Nullable Path file() {
    return file;
  }

  /** The value of a key that is a text or a path, as it is written. */
  public String text(Key key) {
    JsonNode value = given.get(key);
    return value == null ? key.defaultValue() : value.asText();
  }

  /** The value of a key that is a path. */
  public Path path(Key key) {
    return Path.of(text(key));
  }

  /** The value of a key that is a whole number. */
  public long number(Key key) {
    JsonNode value = given.get(key);
    return value == null ? Long.parseLong(key.defaultValue()) : value.longValue();
  }

  /** The value of a key that is a list of texts. */
  public List<String> texts(Key key) {
    JsonNode value = given.get(key);
    return (value == null ? list(key.defaultValue()) : value)
        .valueStream()
        .map(JsonNode::asText)
        .toList();
  }

  private static JsonNode list(String text) {
    try {
      return new TomlMapper().readTree("list = " + text).get("list");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a default is no list: " + text, e);
    }
  }

  /** The features of the kernel that are not to be used, though it may have them. */
  public Set<KernelFeature> withoutFeatures() {
    return texts(Key.WITHOUT_FEATURES).stream()
        .flatMap(name -> KernelFeature.replaceable(name).stream())
        .flatMap(Set::stream)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Mounts overlays of what is below {@link #root}, as a probe finds that they can be. */
  public synchronized Overlays overlays() {
    Overlays known = overlays;
    if (known == null) {
      known = new Overlays(new RootFolders(root()).overlayProbe());
      overlays = known;
    }
    return known;
  }

  /** The snapshotter where a client names none; probes the file system if no key names it. */
  public String snapshotter() {
    String given = text(Key.IMAGE_SNAPSHOTTER);
    if (!given.isEmpty()) {
      return given;
    }
    return overlays().answer().problem().isEmpty() ? "overlayfs" : "native";
  }

  /** The folder of what survives a reboot. */
  public Path root() {
    return path(Key.ROOT);
  }

  /** The folder of what ends with a boot. */
  public Path state() {
    return path(Key.STATE);
  }

  /** The socket of a service below the state folder: containerd, image or network. */
  public Path socket(String service) {
    return sockets.getOrDefault(service, state().resolve(service + ".sock"));
  }

  /** The same for a client of services that are elsewhere: sockets by service. */
  public Config withSockets(Map<String, Path> elsewhere) {
    return new Config(file, given, elsewhere);
  }

  /** The folder of the programs. */
  public Path libexec() {
    return path(Key.LIBEXEC);
  }

  /** Six hex digits that names on the host are made from, so that instances do not meet. */
  public String instance() {
    String given = text(Key.INSTANCE);
    if (!given.isEmpty()) {
      return given;
    }
    Path real = state().toAbsolutePath().normalize();
    try {
      real = state().toRealPath();
    } catch (IOException e) {
      // The folder is not made yet, so its path has no links and is the real one.
      Objects.requireNonNull(real);
    }
    return Digest.sha256(real.toString()).hex().substring(0, 6);
  }

  /** The parent of the cgroups of this instance's containers, without a leading slash. */
  public String cgroupParent() {
    String given = text(Key.CGROUP_PARENT);
    return given.isEmpty() ? "berth-" + instance() : given;
  }

  /** Every key, its default and its value, as a TOML document with comments. */
  public String describe() {
    StringBuilder result = new StringBuilder();
    String table = "";
    for (Key key : Key.values()) {
      int dot = key.key().lastIndexOf('.');
      String keyTable = dot < 0 ? "" : key.key().substring(0, dot);
      if (!keyTable.equals(table)) {
        result.append("\n[").append(keyTable).append("]\n");
        table = keyTable;
      }
      result
          .append("# ")
          .append(key.meaning())
          .append(" Default: ")
          .append(literal(key, key.defaultValue()))
          .append('\n');
      JsonNode value = given.get(key);
      result.append(value == null ? "# " : "").append(key.key().substring(dot + 1)).append(" = ");
      result
          .append(value == null ? literal(key, key.defaultValue()) : value.toString())
          .append('\n');
    }
    return result.toString();
  }

  private static String literal(Key key, String value) {
    return switch (key.kind()) {
      case TEXT, PATH -> '"' + value + '"';
      case NUMBER, FLAG, TEXT_LIST -> value;
    };
  }
}
