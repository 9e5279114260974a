package io.berth.image.registry;

import java.util.List;
import java.util.Map;

/**
 * Says how a server is asked, and by whom.
 *
 * @param credentials who asks
 * @param trust in whose certificates
 * @param proxies on the way
 * @param headers that every request to this server, and to no other, carries
 */
public record Access(
    Credentials credentials, Trust trust, ProxyRules proxies, Map<String, List<String>> headers) {
  /** Nobody, by the straight way. */
  public static final Access PLAIN =
      new Access(Credentials.NONE, Trust.MACHINE, ProxyRules.NONE, Map.of());

  public Access {
    headers = Map.copyOf(headers);
  }

  /** The same way in whoever's trust. */
  public Access with(Trust other) {
    return new Access(credentials, other, proxies, headers);
  }

  /**
   * What proves who asks. If all are empty, nobody asks.
   *
   * @param username with {@code password}, for basic authorisation or to get a token
   * @param identityToken to get a token with, instead
   * @param registryToken sent as it is, instead
   */
  public record Credentials(
      String username, String password, String identityToken, String registryToken) {
    /** The credentials of nobody. */
    public static final Credentials NONE = new Credentials("", "", "", "");

    /** Shows the name, never the secrets. */
    @Override
    public String toString() {
      return "Credentials[" + username + "]";
    }
  }

  /** Shows the names of headers, never their values. */
  @Override
  public String toString() {
    return "Access[" + credentials + ", " + trust + ", " + proxies + ", " + headers.keySet() + "]";
  }
}
