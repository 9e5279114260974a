package io.berth.image.registry;

import io.berth.base.error.BerthException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * The HTTP clients of this service, one for each kind of trust and way. They speak HTTP/1.1, for
 * the transfer of blobs gains nothing by streams on one connection. Thread-safe.
 */
@Singleton
final class HttpClients {
  private static final Logger LOG = System.getLogger(HttpClients.class.getName());
  private static final Duration CONNECT = Duration.ofSeconds(15);

  /** Where Debian, Fedora and SUSE have the machine's authorities. */
  private static final List<String> BUNDLES =
      List.of(
          "/etc/ssl/certs/ca-certificates.crt",
          "/etc/pki/tls/certs/ca-bundle.crt",
          "/etc/ssl/ca-bundle.pem");

  static {
    // A proxy that wants a password is told it by us, and only if its address holds one. The JDK
    // leaves it out of requests for a tunnel unless this is empty.
    System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
  }

  private final Map<Kind, HttpClient> clients = new ConcurrentHashMap<>();
  private final SilenceLimit silence;

  @Inject
  HttpClients(RegistryTransfer.Limits limits) {
    silence = new SilenceLimit(limits.silence());
  }

  /**
   * What makes a client another one.
   *
   * @param changed the times of change and sizes of the files: a changed file is read again
   */
  private record Kind(Trust trust, ProxyRules proxies, List<String> changed) {}

  /** How long the other side may be silent. */
  SilenceLimit silence() {
    return silence;
  }

  /**
   * The client for a server; the first one of a kind takes a tenth of a second, for it reads the
   * machine's authorities.
   *
   * @throws BerthException FAILED_PRECONDITION if a file of authorities or keys cannot be used
   */
  HttpClient of(Access access) {
    Trust trust = access.trust();
    List<String> stamps = new ArrayList<>();
    trust.authorities().forEach(file -> stamps.add(stamp("authorities", file)));
    for (Trust.Pair pair : trust.own()) {
      stamps.add(stamp("client certificate", pair.certificate()));
      stamps.add(stamp("key of a client certificate", pair.key()));
    }
    Kind kind = new Kind(trust, access.proxies(), List.copyOf(stamps));
    HttpClient known = clients.get(kind);
    if (known != null) {
      return known;
    }
    HttpClient made =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT)
            .proxy(new Proxies(access.proxies()))
            .sslContext(context(trust))
            .build();
    clients
        .keySet()
        .removeIf(old ->
            old.trust.equals(trust)
                && old.proxies.equals(kind.proxies)
                && !old.changed.equals(kind.changed));
    HttpClient other = clients.putIfAbsent(kind, made);
    return other == null ? made : other;
  }

  private static String stamp(String what, Path file) {
    try {
      return Files.getLastModifiedTime(file) + " " + Files.size(file);
    } catch (IOException e) {
      throw unusable(what, file, e);
    }
  }

  private static BerthException unusable(String what, Path file, Exception e) {
    String why = e instanceof NoSuchFileException ? "no such file" : String.valueOf(e.getMessage());
    return new BerthException.FailedPrecondition("read " + what + " of `" + file + "`: " + why, e);
  }

  /** Sends what the rules say through their proxy. */
  private static final class Proxies extends ProxySelector {
    private final ProxyRules rules;

    Proxies(ProxyRules rules) {
      this.rules = rules;
    }

    @Override
    public List<Proxy> select(URI uri) {
      Address.Origin to = Address.of(uri.toString()).origin();
      URI proxy = rules.proxyFor(to.scheme(), to.host(), to.port());
      return List.of(
          proxy == null
              ? Proxy.NO_PROXY
              : new Proxy(
                  Proxy.Type.HTTP,
                  InetSocketAddress.createUnresolved(
                      proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort())));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
      LOG.log(Level.DEBUG, "proxy {0}: {1}", address, failure.getMessage());
    }
  }

  private static SSLContext context(Trust trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          trust.own().isEmpty() ? null : keys(trust.own()).getKeyManagers(),
          trust.anybody() ? new TrustManager[] {new AnyCertificate()} : vouched(more(trust)),
          new SecureRandom());
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("every JDK has TLS", e);
    }
  }

  private static List<Certificate> more(Trust trust) {
    List<Certificate> more = new ArrayList<>();
    for (Path file : trust.authorities()) {
      try {
        Collection<? extends Certificate> read = read(file);
        if (read.isEmpty()) {
          throw new CertificateException("it holds no certificate");
        }
        more.addAll(read);
      } catch (IOException | CertificateException e) {
        throw unusable("authorities", file, e);
      }
    }
    return more;
  }

  private static KeyManagerFactory keys(List<Trust.Pair> pairs)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    int count = 0;
    for (Trust.Pair pair : pairs) {
      PrivateKey key;
      try {
        key = PemKeys.read(pair.key());
      } catch (IOException | GeneralSecurityException e) {
        throw unusable("key of a client certificate", pair.key(), e);
      }
      try {
        store.setKeyEntry(
            "client" + count++,
            key,
            new char[0],
            read(pair.certificate()).toArray(new Certificate[0]));
      } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
        throw unusable("client certificate", pair.certificate(), e);
      }
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    return keys;
  }

  private static Collection<? extends Certificate> read(Path file)
      throws IOException, CertificateException {
    try (InputStream bytes = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(bytes);
    }
  }

  /**
   * Trusts the authorities of the JDK, those of the machine, and more. An operator adds a private
   * authority to those of the machine, for all programs at once. {@code SSL_CERT_FILE} names
   * another bundle.
   */
  private static TrustManager[] vouched(Collection<? extends Certificate> more)
      throws GeneralSecurityException, IOException {
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    int count = 0;
    TrustManagerFactory own =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    own.init((KeyStore) null);
    for (TrustManager manager : own.getTrustManagers()) {
      if (manager instanceof X509TrustManager known) {
        for (X509Certificate authority : known.getAcceptedIssuers()) {
          authorities.setCertificateEntry("jdk" + count++, authority);
        }
      }
    }
    for (Certificate authority : bundle()) {
      authorities.setCertificateEntry("machine" + count++, authority);
    }
    for (Certificate authority : more) {
      authorities.setCertificateEntry("given" + count++, authority);
    }
    TrustManagerFactory all =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    all.init(authorities);
    return all.getTrustManagers();
  }

  private static Collection<? extends Certificate> bundle() {
    String named = System.getenv("SSL_CERT_FILE");
    for (String name : named == null || named.isEmpty() ? BUNDLES : List.of(named)) {
      try {
        return read(Path.of(name));
      } catch (NoSuchFileException e) {
        LOG.log(Level.DEBUG, "there is no `{0}`", name);
      } catch (IOException | CertificateException e) {
        LOG.log(
            Level.WARNING,
            "read authorities of `{0}`: {1}; registries are checked against the JDK''s alone",
            name,
            e.getMessage());
      }
    }
    return List.of();
  }

  /**
   * Takes every certificate. It is an extended manager because the JDK checks host names itself for
   * others.
   */
  private static final class AnyCertificate extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
