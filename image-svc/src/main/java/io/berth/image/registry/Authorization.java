package io.berth.image.registry;

import java.net.http.HttpRequest;

/**
 * A secret, and whom it is for. It goes into no request to anybody else, whoever asks for that.
 *
 * @param origin whom it is for
 * @param value the header
 */
record Authorization(Address.Origin origin, String value) {
  /** The request to an address, with the secret if it is for that. */
  HttpRequest.Builder to(Address address, HttpRequest.Builder request) {
    return address.origin().equals(origin) ? request.header("Authorization", value) : request;
  }

  /** Never the secret. */
  @Override
  public String toString() {
    return "Authorization[" + origin + "]";
  }
}
