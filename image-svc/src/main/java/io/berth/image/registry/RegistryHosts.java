package io.berth.image.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import io.berth.base.error.BerthException;
import io.berth.oci.image.ImageReference;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the operator says of single registries, in a file {@code HOST[:PORT].toml} of a folder, read
 * at each use:
 *
 * <pre>
 * mirrors = ["https://cache.example:5000"]   # asked first, in this order, without credentials
 * ca = "/etc/ssl/private-ca.pem"             # vouches for this registry, beside the machine's
 * skip_verify = false                        # true: TLS whoever the other side is
 * plain_http = false                         # true: without TLS
 * </pre>
 */
public final class RegistryHosts {
  private final List<String> insecure;
  private final Path folder;

  /**
   * @param insecure domains that are asked by plain HTTP
   * @param folder of the files; it need not be there
   */
  public RegistryHosts(List<String> insecure, Path folder) {
    this.insecure = List.copyOf(insecure);
    this.folder = folder;
  }

  /**
   * A registry to ask, and those to ask before it.
   *
   * @param domain that names begin with
   */
  public record Route(String domain, Access access, List<Mirror> mirrors) {
    public Route {
      mirrors = List.copyOf(mirrors);
    }
  }

  /**
   * Another place with the same content.
   *
   * @param base its address, without a slash at the end
   */
  public record Mirror(URI base, Access access) {}

  /** What the caller of one request wants. */
  public record Wish(Access.Credentials credentials, boolean plainHttp, boolean anyCertificate) {}

  /**
   * Finds the way to a registry.
   *
   * @param registry host[:port]; with {@code http://} or {@code https://} before it, that decides
   * @throws BerthException INVALID_ARGUMENT for no registry's name, FAILED_PRECONDITION for a file
   *     that cannot be used
   */
  public Route route(String registry, Wish wish) {
    String domain = ImageReference.domainOf(registry);
    Settings settings = read(domain);
    boolean plain =
        wish.plainHttp
            || registry.startsWith("http://")
            || (!registry.startsWith("https://") && plainHttp(domain, settings));
    List<Mirror> mirrors = new ArrayList<>();
    for (String mirror : settings.mirrors) {
      mirrors.add(mirror(file(domain), mirror));
    }
    return new Route(
        domain,
        new Access(
            wish.credentials,
            plain,
            wish.anyCertificate || settings.skipVerify,
            settings.authorities),
        mirrors);
  }

  /**
   * Whether a registry is asked without TLS: one on this machine is, and one of which the operator
   * says so.
   */
  private boolean plainHttp(String domain, Settings settings) {
    if (settings.plainHttp != null) {
      return settings.plainHttp;
    }
    return domain.matches("(localhost|127\\.[0-9.]+|\\[::1\\])(:[0-9]+)?")
        || insecure.contains(domain);
  }

  private Mirror mirror(Path file, String address) {
    URI base;
    try {
      base = URI.create(address.replaceFirst("/+$", ""));
    } catch (IllegalArgumentException e) {
      throw unusable(file, "mirror `" + address + "`: " + e.getMessage());
    }
    boolean plain = "http".equals(base.getScheme());
    if ((!plain && !"https".equals(base.getScheme()))
        || base.getHost() == null
        || base.getQuery() != null
        || base.getUserInfo() != null) {
      throw unusable(file, "mirror `" + address + "`: write http://HOST or https://HOST");
    }
    Settings own = read(base.getAuthority());
    return new Mirror(
        base, new Access(Access.Credentials.NONE, plain, own.skipVerify, own.authorities));
  }

  private record Settings(
      List<String> mirrors,
      @Nullable Path authorities,
      boolean skipVerify,
      @Nullable Boolean plainHttp) {}

  private Path file(String domain) {
    return folder.resolve(domain + ".toml");
  }

  private Settings read(String domain) {
    Path file = file(domain);
    JsonNode tree;
    try {
      tree = new TomlMapper().readTree(Files.readString(file));
    } catch (NoSuchFileException e) {
      return new Settings(List.of(), null, false, null);
    } catch (JsonProcessingException e) {
      throw unusable(file, e.getOriginalMessage());
    } catch (IOException e) {
      throw unusable(file, String.valueOf(e.getMessage()));
    }
    List<String> mirrors = new ArrayList<>();
    Path authorities = null;
    boolean skipVerify = false;
    Boolean plainHttp = null;
    for (var entry : tree.properties()) {
      JsonNode value = entry.getValue();
      switch (entry.getKey()) {
        case "mirrors" -> {
          if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isTextual)) {
            throw unusable(file, "`mirrors` is no list of texts");
          }
          value.forEach(mirror -> mirrors.add(mirror.asText()));
        }
        case "ca" -> {
          if (!value.asText("").startsWith("/")) {
            throw unusable(file, "`ca` is no absolute path");
          }
          authorities = Path.of(value.asText());
        }
        case "skip_verify" -> skipVerify = flag(file, entry.getKey(), value);
        case "plain_http" -> plainHttp = flag(file, entry.getKey(), value);
        default ->
            throw unusable(
                file,
                "unknown key `"
                    + entry.getKey()
                    + "`; there are mirrors, ca, skip_verify, plain_http");
      }
    }
    return new Settings(mirrors, authorities, skipVerify, plainHttp);
  }

  private static boolean flag(Path file, String key, JsonNode value) {
    if (!value.isBoolean()) {
      throw unusable(file, "`" + key + "` is neither true nor false");
    }
    return value.booleanValue();
  }

  private static BerthException unusable(Path file, String why) {
    return new BerthException.FailedPrecondition(
        "read registry settings `" + file + "`: " + why.replace('\n', ' '));
  }
}
