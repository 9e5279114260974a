package io.berth.image.registry;

/** A server that can be asked for a repository's content. Thread-safe. */
final class RegistryServer {
  final Host host;
  final HttpExchange http;
  final Address base;

  /** What every request says of the repository; empty for the registry's own server. */
  final String about;

  /** Whether it has failed; then this transfer does not ask it again. */
  volatile boolean failed;

  /**
   * Finds out whether the server speaks TLS, where nobody says so, and blocks for it.
   *
   * @param domain of the registry that it is asked for
   * @param path of the repository; empty for none
   */
  RegistryServer(HttpClients clients, Host host, String domain, String path) {
    Host known = settled(host);
    this.host = known;
    this.base = Address.of(known.base() + "/" + (path.isEmpty() ? "" : path + "/"));
    this.http = new HttpExchange(clients, known.access(), base.origin(), path);
    // A server that stands for several registries is told which one is meant, as containerd
    // tells it.
    this.about = RegistryHosts.isOwn(domain, base.authority()) ? "" : "ns=" + domain;
  }

  /** The address of something below the repository. */
  Address at(String path) {
    Address address = base.at(path);
    return about.isEmpty() ? address : address.with(about);
  }

  boolean can(Host.Ability ability) {
    return host.abilities().contains(ability);
  }

  /** A server of which is known whether it speaks TLS. */
  private static Host settled(Host host) {
    if (!host.tlsMaybe()) {
      return host;
    }
    Address.Origin to = Address.of(host.base()).origin();
    boolean straight = host.access().proxies().proxyFor(to.scheme(), to.host(), to.port()) == null;
    String base =
        straight && TlsProbe.answersWithTls(to.host(), to.port())
            ? host.base()
            : host.base().replaceFirst("^https", "http");
    return new Host(base, host.abilities(), host.access(), /* tlsMaybe= */ false);
  }
}
