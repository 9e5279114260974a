package io.berth.image.registry;

import java.net.http.HttpRequest;

/**
 * A secret, and the server that it is for. It is put into no request to any other server.
 *
 * @param origin whom it is for
 * @param value the header
 */
record Authorization(Address.Origin origin, String value) {
  /** Sets the secret of a request if the request goes to the server that it is for. */
  HttpRequest.Builder to(Address address, HttpRequest.Builder request) {
    return address.origin().equals(origin) ? request.setHeader("Authorization", value) : request;
  }

  /** Shows the server, never the secret. */
  @Override
  public String toString() {
    return "Authorization[" + origin + "]";
  }
}
