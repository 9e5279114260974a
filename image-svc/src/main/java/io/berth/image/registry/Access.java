package io.berth.image.registry;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Says how a registry is asked, and by whom.
 *
 * @param credentials who asks
 * @param plainHttp without TLS
 * @param anyCertificate TLS whoever the other side is
 * @param authorities certificates in PEM form that vouch for it, beside the machine's; or null
 */
public record Access(
    Credentials credentials,
    boolean plainHttp,
    boolean anyCertificate,
    @Nullable Path authorities) {
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
}
