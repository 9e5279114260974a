package io.berth.image.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import io.berth.base.error.BerthException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file about one registry, of our own form or containerd's {@code hosts.toml}; both have the same
 * keys. In ours an unknown key is an error, in containerd's it is passed over as containerd does.
 *
 * @param mirrors addresses that are asked first
 * @param hosts servers that are asked first, with all that is said of them
 * @param own what is said of the registry itself
 */
record RegistryFile(Path file, List<String> mirrors, Map<String, Said> hosts, Said own) {
  private static final Logger LOG = System.getLogger(RegistryFile.class.getName());

  /** Headers by which somebody is known. */
  private static final Set<String> SECRET = Set.of("authorization", "cookie");

  /** The name of what holds for registries without a file. */
  private static final String EVERYBODY = "_default";

  /** The file of a registry that nothing is said of. */
  static RegistryFile none(Path file) {
    return new RegistryFile(file, List.of(), Map.of(), Said.NOTHING);
  }

  /**
   * What is said of one server.
   *
   * @param server its address; empty for the registry's own
   * @param overridePath whether the address is the API's root as it stands
   * @param plainHttp null if nobody says whether it speaks TLS
   * @param proxy on the way to it; null for those of the environment
   */
  record Said(
      String server,
      boolean overridePath,
      Set<Host.Ability> abilities,
      Trust trust,
      @Nullable Boolean plainHttp,
      @Nullable String proxy,
      Access.Credentials credentials,
      Map<String, List<String>> headers) {
    static final Said NOTHING =
        new Said(
            "",
            false,
            EnumSet.allOf(Host.Ability.class),
            Trust.MACHINE,
            null,
            null,
            Access.Credentials.NONE,
            Map.of());
  }

  /**
   * Reads what a folder has about a registry: {@code HOST.toml}, else one of containerd's folders
   * for it, else what there is for all others.
   */
  static RegistryFile read(Path folder, String domain) {
    List<String> names = new ArrayList<>(List.of(domain));
    int colon = domain.lastIndexOf(':');
    if (colon > 0) {
      names.add(domain.substring(0, colon) + "_" + domain.substring(colon + 1) + "_");
    }
    names.add(EVERYBODY);
    for (String name : names) {
      Path file = folder.resolve(name + ".toml");
      if (Files.exists(file)) {
        return checked(new Reader(file, /* strict= */ true).read(), name);
      }
      Path theirFolder = folder.resolve(name);
      Path theirs = theirFolder.resolve("hosts.toml");
      if (Files.exists(theirs)) {
        return checked(new Reader(theirs, /* strict= */ false).read(), name);
      }
      if (Files.isDirectory(theirFolder)) {
        return certificates(theirs);
      }
    }
    return none(folder.resolve(domain + ".toml"));
  }

  private static RegistryFile checked(RegistryFile read, String name) {
    boolean secret =
        !read.own.credentials().equals(Access.Credentials.NONE)
            || read.own.headers().keySet().stream()
                .anyMatch(header -> SECRET.contains(header.toLowerCase(Locale.ROOT)));
    if (name.equals(EVERYBODY) && secret && read.own.server().isEmpty()) {
      throw read.unusable("a login there would be told to every registry; write it to `HOST.toml`");
    }
    return read;
  }

  /** What docker reads of a folder without a table: authorities, and pairs to show. */
  private static RegistryFile certificates(Path file) {
    List<Path> authorities = new ArrayList<>();
    List<Trust.Pair> own = new ArrayList<>();
    Path folder = file.resolveSibling("");
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path path : files) {
        String name = path.getFileName().toString();
        if (name.endsWith(".crt")) {
          authorities.add(path);
        } else if (name.endsWith(".cert")) {
          Path key = path.resolveSibling(name.replaceFirst("cert$", "key"));
          own.add(new Trust.Pair(path, Files.exists(key) ? key : path));
        }
      }
    } catch (IOException e) {
      throw unusable(folder, String.valueOf(e.getMessage()));
    }
    authorities.sort(null);
    Said said =
        new Said(
            "",
            false,
            EnumSet.allOf(Host.Ability.class),
            new Trust(false, authorities, own),
            null,
            null,
            Access.Credentials.NONE,
            Map.of());
    return new RegistryFile(file, List.of(), Map.of(), said);
  }

  static BerthException unusable(Path file, String why) {
    return new BerthException.FailedPrecondition(
        "read registry settings `" + file + "`: " + why.replace('\n', ' '));
  }

  /** An error in this file. */
  BerthException unusable(String why) {
    return unusable(file, why);
  }

  /** Reads one file. */
  private static final class Reader {
    /** Headers that the HTTP client sets by itself, and lets nobody else set. */
    private static final Set<String> SET_BY_CLIENT =
        Set.of("connection", "content-length", "expect", "host", "upgrade");

    private static final String KEYS =
        "mirrors, server, host, capabilities, ca, client, skip_verify, header, override_path,"
            + " plain_http, proxy, username, password, identity_token";

    private final Path file;
    private final boolean strict;

    Reader(Path file, boolean strict) {
      this.file = file;
      this.strict = strict;
    }

    RegistryFile read() {
      JsonNode tree;
      try {
        tree = new TomlMapper().readTree(Files.readString(file));
      } catch (NoSuchFileException e) {
        return none(file);
      } catch (JsonProcessingException e) {
        throw unusable(file, e.getOriginalMessage());
      } catch (IOException e) {
        throw unusable(file, String.valueOf(e.getMessage()));
      }
      List<String> mirrors = List.of();
      Map<String, Said> hosts = new LinkedHashMap<>();
      for (var entry : tree.properties()) {
        switch (entry.getKey()) {
          case "mirrors" -> mirrors = texts("mirrors", entry.getValue());
          case "host" ->
              table("host", entry.getValue())
                  .properties()
                  .forEach(host ->
                      hosts.put(
                          host.getKey(),
                          said(table("host." + host.getKey(), host.getValue()), host.getKey())));
          default -> {}
        }
      }
      return new RegistryFile(file, mirrors, hosts, said(tree, ""));
    }

    /**
     * Reads what is said of a server.
     *
     * @param address of the server; empty for the whole file, which is about the registry itself
     */
    private Said said(JsonNode table, String address) {
      String server = address;
      Set<Host.Ability> abilities = EnumSet.allOf(Host.Ability.class);
      boolean overridePath = false;
      boolean anybody = false;
      List<Path> authorities = List.of();
      List<Trust.Pair> own = List.of();
      Boolean plainHttp = null;
      String proxy = null;
      Map<String, String> who = new LinkedHashMap<>();
      Map<String, List<String>> headers = new LinkedHashMap<>();
      for (var entry : table.properties()) {
        String key = entry.getKey();
        JsonNode value = entry.getValue();
        switch (key) {
          case "server" -> server = address.isEmpty() ? text(key, value) : address;
          case "capabilities" -> abilities = abilities(texts(key, value));
          case "ca" ->
              authorities =
                  (value.isTextual() ? List.of(value.asText()) : texts(key, value))
                      .stream().map(this::path).toList();
          case "client" -> own = pairs(value);
          case "skip_verify" -> anybody = flag(key, value);
          case "override_path" -> overridePath = flag(key, value);
          case "plain_http" -> plainHttp = flag(key, value);
          case "proxy" -> proxy = text(key, value);
          case "username", "password", "identity_token" -> who.put(key, text(key, value));
          case "header" ->
              table(key, value)
                  .properties()
                  .forEach(header -> headers.put(name(header.getKey()), header(header)));
          case "mirrors", "host" -> check(address.isEmpty(), key);
          default -> check(false, key);
        }
      }
      return new Said(
          server,
          overridePath,
          abilities,
          new Trust(anybody, authorities, own),
          plainHttp,
          proxy,
          new Access.Credentials(
              who.getOrDefault("username", ""),
              who.getOrDefault("password", ""),
              who.getOrDefault("identity_token", ""),
              ""),
          headers);
    }

    private void check(boolean known, String key) {
      if (known) {
        return;
      }
      if (strict) {
        throw unusable(file, "unknown key `" + key + "`; there are " + KEYS);
      }
      LOG.log(Level.DEBUG, "{0}: key `{1}` means nothing here", file, key);
    }

    private Set<Host.Ability> abilities(List<String> words) {
      Set<Host.Ability> abilities = EnumSet.noneOf(Host.Ability.class);
      for (String word : words) {
        abilities.add(
            switch (word.toLowerCase(Locale.ROOT)) {
              case "pull" -> Host.Ability.PULL;
              case "resolve" -> Host.Ability.RESOLVE;
              case "push" -> Host.Ability.PUSH;
              default ->
                  throw unusable(
                      file, "capability `" + word + "`: there are pull, resolve and push");
            });
      }
      // An empty list means the same as none.
      return abilities.isEmpty() ? EnumSet.allOf(Host.Ability.class) : abilities;
    }

    private List<Trust.Pair> pairs(JsonNode value) {
      if (value.isTextual()) {
        return List.of(new Trust.Pair(path(value.asText()), path(value.asText())));
      }
      if (!value.isArray()) {
        throw unusable(file, "`client` is neither a path nor a list");
      }
      List<Trust.Pair> pairs = new ArrayList<>();
      for (JsonNode pair : value) {
        if (pair.isTextual()) {
          pairs.add(new Trust.Pair(path(pair.asText()), path(pair.asText())));
        } else {
          List<String> parts = texts("client", pair);
          if (parts.size() != 2) {
            throw unusable(file, "`client`: a pair is a certificate and a key");
          }
          // Without a path of its own the key is in the certificate's file.
          Path certificate = path(parts.getFirst());
          pairs.add(
              new Trust.Pair(
                  certificate, parts.getLast().isEmpty() ? certificate : path(parts.getLast())));
        }
      }
      return pairs;
    }

    private String name(String header) {
      if (!header.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+")
          || SET_BY_CLIENT.contains(header.toLowerCase(Locale.ROOT))) {
        throw unusable(file, "header `" + header + "` cannot be set");
      }
      return header;
    }

    private List<String> header(Map.Entry<String, JsonNode> header) {
      List<String> values =
          header.getValue().isTextual()
              ? List.of(header.getValue().asText())
              : texts("header." + header.getKey(), header.getValue());
      if (values.stream().anyMatch(value -> value.chars().anyMatch(c -> c < ' ' || c > '~'))) {
        throw unusable(file, "header `" + header.getKey() + "` holds more than plain text");
      }
      return values;
    }

    /** A path that stands in the file: one that is not absolute is beside the file. */
    private Path path(String text) {
      if (text.isEmpty()) {
        throw unusable(file, "a path is empty");
      }
      return file.resolveSibling(text);
    }

    private JsonNode table(String key, JsonNode value) {
      if (!value.isObject()) {
        throw unusable(file, "`" + key + "` is no table");
      }
      return value;
    }

    private boolean flag(String key, JsonNode value) {
      if (!value.isBoolean()) {
        throw unusable(file, "`" + key + "` is neither true nor false");
      }
      return value.booleanValue();
    }

    private String text(String key, JsonNode value) {
      if (!value.isTextual()) {
        throw unusable(file, "`" + key + "` is no text");
      }
      return value.asText();
    }

    private List<String> texts(String key, JsonNode value) {
      if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isTextual)) {
        throw unusable(file, "`" + key + "` is no list of texts");
      }
      return value.valueStream().map(JsonNode::asText).toList();
    }
  }
}
