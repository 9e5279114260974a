package io.berth.oci.image;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of an image: {@code [domain/]path[:tag][@digest]}, in full. What people leave out is
 * filled in by docker's rules: no domain means {@code docker.io}, one path component there means
 * {@code library/}, and neither tag nor digest means {@code :latest}.
 *
 * @param domain host, with port if any; lower case is not enforced
 * @param path lower case, components separated by slashes
 * @param tag null if only a digest names the version
 * @param digest null, or what the content must be
 */
public record ImageReference(
    String domain, String path, @Nullable String tag, @Nullable Digest digest) {
  /** Domain of names without one. */
  public static final String DEFAULT_DOMAIN = "docker.io";

  /** Tag of names without tag and digest. */
  public static final String DEFAULT_TAG = "latest";

  private static final int MAX_NAME = 255;
  private static final int MAX_TEXT = 600;
  private static final Pattern PATH_COMPONENT =
      Pattern.compile("[a-z0-9]++(?:(?:\\.|_|__|-++)[a-z0-9]++)*+");
  private static final Pattern DOMAIN =
      Pattern.compile(
          "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62})(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62}))*+|\\[[a-fA-F0-9:]{2,45}\\])(?::[0-9]{1,5})?");
  private static final Pattern TAG = Pattern.compile("\\w[\\w.-]{0,127}", Pattern.UNICODE_CASE);
  private static final Pattern ID = Pattern.compile("[a-f0-9]{64}");

  /** Reads a short or full name; INVALID_ARGUMENT says which part is wrong. */
  public static ImageReference of(String text) {
    if (text.isEmpty() || text.length() > MAX_TEXT) {
      throw invalid(
          text, text.isEmpty() ? "it is empty" : "it is longer than " + MAX_TEXT + " characters");
    }
    if (ID.matcher(text).matches()) {
      throw invalid(text, "64 hex digits are an image's id, not a name");
    }
    String rest = text;
    Digest digest = null;
    int at = rest.indexOf('@');
    if (at >= 0) {
      digest = digest(text, rest.substring(at + 1));
      rest = rest.substring(0, at);
    }
    String tag = null;
    int colon = rest.lastIndexOf(':');
    if (colon > rest.lastIndexOf('/')) {
      tag = rest.substring(colon + 1);
      rest = rest.substring(0, colon);
      if (!TAG.matcher(tag).matches()) {
        throw invalid(
            text,
            "a tag has 1 to 128 letters, digits, `_`, `.`, `-`, and begins with none of the last"
                + " two");
      }
    }
    return named(text, rest, tag == null && digest == null ? DEFAULT_TAG : tag, digest);
  }

  private static ImageReference named(
      String text, String rest, @Nullable String tag, @Nullable Digest digest) {
    String domain = DEFAULT_DOMAIN;
    String path = rest;
    int slash = rest.indexOf('/');
    if (slash >= 0 && isDomain(rest.substring(0, slash))) {
      domain = rest.substring(0, slash);
      path = rest.substring(slash + 1);
      if (!DOMAIN.matcher(domain).matches()) {
        throw invalid(text, "`" + domain + "` is no host name");
      }
    }
    if (domain.equals("index.docker.io")) {
      domain = DEFAULT_DOMAIN;
    }
    if (domain.equals(DEFAULT_DOMAIN) && path.indexOf('/') < 0) {
      path = "library/" + path;
    }
    for (String component : path.split("/", -1)) {
      if (!PATH_COMPONENT.matcher(component).matches()) {
        throw invalid(
            text,
            component.isEmpty()
                ? "a part of the name is empty"
                : hasUpper(component)
                    ? "a repository name must be lower case"
                    : "`"
                        + component
                        + "` may hold only a-z, 0-9 and single `.`, `_`, `__` or `-` between them");
      }
    }
    if (domain.length() + 1 + path.length() > MAX_NAME) {
      throw invalid(text, "a repository name has at most " + MAX_NAME + " characters");
    }
    return new ImageReference(domain, path, tag, digest);
  }

  /**
   * The domain that names of a registry begin with, from what people type for it: {@code
   * host[:port]}, also as an address; empty for docker's own. INVALID_ARGUMENT for anything else.
   */
  public static String domainOf(String registry) {
    String domain = registry.replaceFirst("^https?://", "").replaceFirst("/+$", "");
    if (domain.isEmpty() && registry.isEmpty()) {
      return DEFAULT_DOMAIN;
    }
    if (!isDomain(domain) || !DOMAIN.matcher(domain).matches()) {
      throw new BerthException.InvalidArgument(
          "registry `" + shown(registry) + "`: write HOST.DOMAIN, HOST:PORT or localhost");
    }
    return domain.equals("index.docker.io") ? DEFAULT_DOMAIN : domain;
  }

  private static boolean isDomain(String first) {
    return first.indexOf('.') >= 0
        || first.indexOf(':') >= 0
        || first.equals("localhost")
        || hasUpper(first);
  }

  private static boolean hasUpper(String text) {
    return text.chars().anyMatch(c -> c >= 'A' && c <= 'Z');
  }

  private static Digest digest(String text, String digest) {
    try {
      return Digest.of(digest);
    } catch (BerthException.InvalidArgument e) {
      throw new BerthException.InvalidArgument(
          "invalid reference format: `" + shown(text) + "`: " + e.getMessage(), e);
    }
  }

  private static BerthException invalid(String text, String why) {
    return new BerthException.InvalidArgument(
        "invalid reference format: `" + shown(text) + "`: " + why);
  }

  private static String shown(String text) {
    return (text.length() <= 100 ? text : text.substring(0, 100) + "...").replace('\n', ' ');
  }

  /** {@code domain/path}. */
  public String repository() {
    return domain + "/" + path;
  }

  /** What a registry is asked for: the digest if there is one, else the tag. */
  public String version() {
    return digest != null ? digest.toString() : tag != null ? tag : DEFAULT_TAG;
  }

  /** The repository as people write it: without the default domain and {@code library/}. */
  public String familiarRepository() {
    if (!domain.equals(DEFAULT_DOMAIN)) {
      return repository();
    }
    return path.startsWith("library/") && path.indexOf('/', 8) < 0 ? path.substring(8) : path;
  }

  /** The whole name as people write it, with its tag. */
  public String familiar() {
    return familiarRepository() + suffix();
  }

  private String suffix() {
    return (tag == null ? "" : ":" + tag) + (digest == null ? "" : "@" + digest);
  }

  /** The full name: what the image is recorded under. */
  @Override
  public String toString() {
    return repository() + suffix();
  }
}
