package io.berth.image.registry;

/**
 * How a registry is asked.
 *
 * @param username with {@code password}, for basic authorisation or to get a token; empty:
 *     anonymous
 * @param identityToken to get a token with, instead
 * @param registryToken sent as it is, instead
 * @param plainHttp without TLS
 * @param anyCertificate TLS whoever the other side is
 */
public record Access(
    String username,
    String password,
    String identityToken,
    String registryToken,
    boolean plainHttp,
    boolean anyCertificate) {
  /** Nobody, over TLS. */
  public static final Access ANONYMOUS = new Access("", "", "", "", false, false);

  /** Never the secrets. */
  @Override
  public String toString() {
    return "Access[" + username + (plainHttp ? ", plain HTTP" : "") + "]";
  }
}
