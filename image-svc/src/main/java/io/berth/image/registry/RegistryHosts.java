package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.oci.image.ImageReference;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;

/**
 * What the operator says of single registries, in a file {@code HOST[:PORT].toml} of a folder, read
 * at each use:
 *
 * <pre>
 * mirrors = ["https://cache.example:5000"]   # asked first, in this order, without credentials
 * ca = "/etc/ssl/private-ca.pem"             # vouches for this registry, beside the machine's
 * skip_verify = false                        # true: TLS whoever the other side is
 * plain_http = false                         # true: without TLS
 * proxy = "http://proxy.example:3128"        # instead of the environment's; "" for none
 * </pre>
 *
 * <p>All keys of containerd's {@code hosts.toml} may stand there as well, and files of that name
 * are read where containerd has them, {@code HOST_PORT_/hosts.toml} or {@code HOST/hosts.toml}; so
 * the folder may be containerd's own. What is said of {@code _default} holds for all registries
 * that have no file.
 */
public final class RegistryHosts {
  private final List<String> insecure;
  private final Path folder;
  private final ProxyRules proxies;

  /**
   * @param insecure domains whose certificates do not matter, and that may be without TLS
   * @param folder of the files; it need not be there
   * @param proxies of all that nothing else is said of
   */
  public RegistryHosts(List<String> insecure, Path folder, ProxyRules proxies) {
    this.insecure = List.copyOf(insecure);
    this.folder = folder;
    this.proxies = proxies;
  }

  /**
   * The servers that can be asked for a registry's images, in their order.
   *
   * @param domain that names begin with
   * @param hosts the last one is the registry's own
   */
  public record Route(String domain, List<Host> hosts) {
    public Route {
      hosts = List.copyOf(hosts);
    }
  }

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
    RegistryFile file = RegistryFile.read(folder, domain);
    List<Host> hosts = new ArrayList<>();
    for (String mirror : file.mirrors()) {
      hosts.add(mirror(file, mirror));
    }
    for (Map.Entry<String, RegistryFile.Said> host : file.hosts().entrySet()) {
      RegistryFile.Said said = host.getValue();
      hosts.add(new Host(base(file, said), said.abilities(), access(said), /* tlsMaybe= */ false));
    }
    hosts.add(own(file, registry, domain, wish));
    return new Route(domain, hosts);
  }

  private Host own(RegistryFile file, String registry, String domain, Wish wish) {
    RegistryFile.Said said = file.own();
    Access access = access(said);
    Access.Credentials login =
        wish.credentials.equals(Access.Credentials.NONE) ? said.credentials() : wish.credentials;
    if (!said.server().isEmpty()) {
      String base = base(file, said);
      // The login for a registry is not for the server that is asked in its place.
      return new Host(
          base,
          said.abilities(),
          withLogin(
              wish.anyCertificate ? access.with(access.trust().ofAnybody()) : access,
              isOwn(domain, URI.create(base).getAuthority()) ? login : said.credentials()),
          /* tlsMaybe= */ false);
    }
    boolean isSaid = registry.startsWith("https://") || said.plainHttp() != null;
    boolean plain =
        wish.plainHttp
            || registry.startsWith("http://")
            || (!registry.startsWith("https://") && Boolean.TRUE.equals(said.plainHttp()));
    boolean maybe = !plain && !isSaid && (isHere(domain) || insecure.contains(domain));
    boolean anybody = wish.anyCertificate || (maybe && access.trust().authorities().isEmpty());
    return new Host(
        (plain ? "http://" : "https://") + hostOf(domain) + "/v2",
        said.abilities(),
        withLogin(anybody ? access.with(access.trust().ofAnybody()) : access, login),
        maybe);
  }

  /** The host that answers for a domain: docker's own registry is elsewhere than its name says. */
  private static String hostOf(String domain) {
    return domain.equals(ImageReference.DEFAULT_DOMAIN) ? "registry-1.docker.io" : domain;
  }

  /** Whether a server, by its host[:port], is the registry's own one, by either name. */
  static boolean isOwn(String domain, String authority) {
    return authority.equals(domain) || authority.equals(hostOf(domain));
  }

  private static Access withLogin(Access access, Access.Credentials credentials) {
    return new Access(credentials, access.trust(), access.proxies(), access.headers());
  }

  private Access access(RegistryFile.Said said) {
    String proxy = said.proxy();
    return new Access(
        said.credentials(),
        said.trust(),
        proxy == null ? proxies : ProxyRules.always(proxy),
        said.headers());
  }

  private static boolean isHere(String domain) {
    return domain.matches("(localhost|127\\.[0-9.]+|\\[::1\\])(:[0-9]+)?");
  }

  /** A mirror: what is said of it stands in its own file. */
  private Host mirror(RegistryFile file, String address) {
    URI base = address(file, "mirror", address.replaceFirst("/+$", ""));
    RegistryFile about = RegistryFile.read(folder, base.getAuthority());
    // A file that leads to another server has the secrets of that one.
    RegistryFile.Said own =
        about.own().server().isEmpty()
                || base.getAuthority().equals(URI.create(base(about, about.own())).getAuthority())
            ? about.own()
            : RegistryFile.Said.NOTHING;
    // Some have the names of another registry below a path that is one of the API itself.
    boolean whole = own.overridePath() || base.getPath().matches("/v2(/.*)?");
    return new Host(
        base + (whole ? "" : "/v2"),
        EnumSet.of(Host.Ability.PULL, Host.Ability.RESOLVE),
        access(own),
        /* tlsMaybe= */ false);
  }

  private static String base(RegistryFile file, RegistryFile.Said said) {
    String server = said.server().startsWith("http") ? said.server() : "https://" + said.server();
    URI told = address(file, "server", server.replaceFirst("/+$", ""));
    String base =
        told.getAuthority().equals(ImageReference.DEFAULT_DOMAIN)
            ? told.getScheme() + "://" + hostOf(told.getAuthority()) + told.getPath()
            : told.toString();
    return base + (said.overridePath() || told.getPath().endsWith("/v2") ? "" : "/v2");
  }

  private static URI address(RegistryFile file, String what, String address) {
    URI base;
    try {
      base = URI.create(address);
    } catch (IllegalArgumentException e) {
      throw file.unusable(what + " `" + address + "`: " + e.getMessage());
    }
    boolean plain = "http".equals(base.getScheme());
    if ((!plain && !"https".equals(base.getScheme()))
        || base.getHost() == null
        || base.getQuery() != null
        || base.getFragment() != null
        || base.getUserInfo() != null) {
      throw file.unusable(what + " `" + address + "`: write http://HOST or https://HOST");
    }
    return base;
  }
}
