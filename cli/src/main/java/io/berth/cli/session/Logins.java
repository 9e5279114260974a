package io.berth.cli.session;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.base.error.BerthException;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.oci.image.ImageReference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a person's credentials for registries in docker's form: {@code logins.json} in {@code
 * $XDG_CONFIG_HOME/berth} or {@code ~/.config/berth}, with mode 0600. Base64 hides nothing, so
 * whoever can read the file has the passwords.
 */
public final class Logins {
  private static final String NAME = "logins.json";
  private static final int MAX_BYTES = 1 << 20;

  private final @Nullable Path file;

  /** For the person with an environment. Reads nothing yet. */
  public Logins(Map<String, String> environment) {
    String configuration = environment.getOrDefault("XDG_CONFIG_HOME", "");
    String home = environment.getOrDefault("HOME", "");
    this.file =
        configuration.startsWith("/")
            ? Path.of(configuration, "berth", NAME)
            : home.startsWith("/") ? Path.of(home, ".config", "berth", NAME) : null;
  }

  /** The file that they are kept in; FAILED_PRECONDITION for a person without a home folder. */
  public Path file() {
    if (file == null) {
      throw new BerthException.FailedPrecondition(
          "credentials are kept in the home folder, and there is none; set HOME");
    }
    return file;
  }

  /**
   * The credentials for an image's registry; the default instance if there are none.
   *
   * @param ref an image's name, also with {@code http://} or {@code https://} before it
   */
  public Credentials ofImage(String ref) {
    if (file == null || !Files.exists(file)) {
      return Credentials.getDefaultInstance();
    }
    String domain;
    try {
      domain = ImageReference.of(ref.replaceFirst("^https?://", "")).domain();
    } catch (BerthException.InvalidArgument e) {
      // The service refuses the name in its own words.
      return Credentials.getDefaultInstance();
    }
    JsonNode entry = read(file).path("auths").path(domain);
    if (entry.isMissingNode()) {
      return Credentials.getDefaultInstance();
    }
    String pair;
    try {
      pair =
          new String(
              Base64.getDecoder().decode(entry.path("auth").asText("")), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw unreadable(file, "the entry of " + domain + " is no base64", e);
    }
    int colon = pair.indexOf(':');
    if (colon <= 0) {
      throw unreadable(file, "the entry of " + domain + " is no name and password", null);
    }
    return Credentials.newBuilder()
        .setUsername(pair.substring(0, colon))
        .setPassword(pair.substring(colon + 1))
        .setIdentityToken(entry.path("identitytoken").asText(""))
        .build();
  }

  /** Keeps credentials in place of those that were there for the registry. */
  public void put(String domain, Credentials credentials) {
    Path kept = file();
    ObjectNode all = Files.exists(kept) ? read(kept) : Json.mapper().createObjectNode();
    String pair = credentials.getUsername() + ":" + credentials.getPassword();
    all.withObjectProperty("auths")
        .withObjectProperty(domain)
        .removeAll()
        .put("auth", Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
    write(kept, all);
  }

  /** Forgets the credentials for a registry; false if there were none. */
  public boolean remove(String domain) {
    if (file == null || !Files.exists(file)) {
      return false;
    }
    ObjectNode all = read(file);
    if (!(all.path("auths") instanceof ObjectNode logins) || logins.remove(domain) == null) {
      return false;
    }
    write(file, all);
    return true;
  }

  private static ObjectNode read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw unreadable(file, "it has more than " + MAX_BYTES + " bytes", null);
      }
      JsonNode tree = Json.tree(Files.readAllBytes(file), "credentials");
      if (tree instanceof ObjectNode all
          && (all.path("auths").isMissingNode() || all.path("auths").isObject())) {
        return all;
      }
      throw unreadable(file, "it holds no `auths`", null);
    } catch (NoSuchFileException e) {
      return Json.mapper().createObjectNode();
    } catch (BerthException.InvalidArgument e) {
      // The message of the cause is left out, for it may quote a password.
      throw unreadable(file, "it is no JSON", e);
    } catch (IOException e) {
      throw unreadable(file, String.valueOf(e.getMessage()), e);
    }
  }

  private static void write(Path file, ObjectNode all) {
    try {
      Path folder = file.getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      AtomicFile.write(file, Json.bytes(all), "rw-------");
    } catch (IOException e) {
      throw new BerthException.FailedPrecondition(
          "write credentials `" + file + "`: " + e.getMessage(), e);
    }
  }

  private static BerthException unreadable(Path file, String why, @Nullable Throwable cause) {
    return new BerthException.FailedPrecondition(
        "read credentials `" + file + "`: " + why + "; correct or remove it", cause);
  }
}
