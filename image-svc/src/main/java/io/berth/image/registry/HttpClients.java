package io.berth.image.registry;

import io.berth.base.error.BerthException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.Socket;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * The HTTP clients of this service: one that checks certificates, one for callers who asked not to
 * be protected, and one for each file of authorities. They speak HTTP/1.1, for the transfer of
 * blobs gains nothing by streams on one connection. Thread-safe.
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

  private final Map<Trust, HttpClient> clients = new ConcurrentHashMap<>();

  @Inject
  HttpClients() {}

  /** Whose certificates a client takes. */
  private sealed interface Trust {
    /** Certificates that the authorities of the JDK or the machine vouch for. */
    record Machine() implements Trust {}

    /** Certificates of everybody. */
    record Anybody() implements Trust {}

    /**
     * Certificates that the machine's authorities or those of a file vouch for.
     *
     * @param changed the file's time of change and size: a changed file is read again
     */
    record Bundle(Path file, String changed) implements Trust {}
  }

  /**
   * The client for a registry; the first one of a kind takes a tenth of a second, for it reads the
   * machine's authorities.
   *
   * @throws BerthException FAILED_PRECONDITION if its file of authorities cannot be used
   */
  HttpClient of(Access access) {
    Path file = access.authorities();
    if (access.anyCertificate()) {
      return clients.computeIfAbsent(
          new Trust.Anybody(), _ -> builder().sslContext(trusting()).build());
    }
    return file == null
        ? clients.computeIfAbsent(
            new Trust.Machine(), _ -> builder().sslContext(vouched(List.of())).build())
        : vouchedBy(file);
  }

  private HttpClient vouchedBy(Path file) {
    try {
      Trust bundle =
          new Trust.Bundle(file, Files.getLastModifiedTime(file) + " " + Files.size(file));
      HttpClient known = clients.get(bundle);
      if (known != null) {
        return known;
      }
      Collection<? extends Certificate> more = read(file);
      if (more.isEmpty()) {
        throw new CertificateException("it holds no certificate");
      }
      clients
          .keySet()
          .removeIf(old -> old instanceof Trust.Bundle stale && stale.file.equals(file));
      return clients.computeIfAbsent(bundle, _ -> builder().sslContext(vouched(more)).build());
    } catch (NoSuchFileException e) {
      throw new BerthException.FailedPrecondition(
          "read authorities of `" + file + "`: no such file", e);
    } catch (IOException | CertificateException e) {
      throw new BerthException.FailedPrecondition(
          "read authorities of `" + file + "`: " + e.getMessage(), e);
    }
  }

  private static Collection<? extends Certificate> read(Path file)
      throws IOException, CertificateException {
    try (InputStream bytes = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(bytes);
    }
  }

  private static HttpClient.Builder builder() {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .connectTimeout(CONNECT);
  }

  /**
   * A context that trusts the authorities of the JDK, those of the machine, and more. An operator
   * adds a private authority to those of the machine, for all programs at once. {@code
   * SSL_CERT_FILE} names another bundle.
   */
  private static SSLContext vouched(Collection<? extends Certificate> more) {
    try {
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
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, all.getTrustManagers(), new SecureRandom());
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("every JDK has TLS", e);
    }
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

  private static SSLContext trusting() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new AnyCertificate()}, new SecureRandom());
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has TLS", e);
    }
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
