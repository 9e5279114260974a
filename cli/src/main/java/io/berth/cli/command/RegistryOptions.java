package io.berth.cli.command;

import io.berth.api.berth.image.v1.Credentials;
import io.berth.cli.session.Logins;
import io.berth.cli.session.Session;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a registry is reached, and as whom, by the verbs that bring an image here or away. */
final class RegistryOptions {
  /** How a registry is connected to. */
  static final class Connection {
    @Option(names = "--plain-http", description = "Without TLS")
    boolean plainHttp;

    @Option(names = "--insecure", description = "Whatever certificate it shows")
    boolean insecure;
  }

  @Mixin Connection connection = new Connection();

  @Option(
      names = {"-u", "--user"},
      paramLabel = "NAME[:PASSWORD]",
      description = "Credentials, instead of those of `login`")
  String user = "";

  @Mixin ContentTrust trust = new ContentTrust();

  /** The credentials that were typed, or else those of the last login at an image's registry. */
  Credentials credentials(Session session, String image) {
    trust.check();
    if (user.isEmpty()) {
      return new Logins(session.caller().environment()).ofImage(image);
    }
    int colon = user.indexOf(':');
    return Credentials.newBuilder()
        .setUsername(colon < 0 ? user : user.substring(0, colon))
        .setPassword(colon < 0 ? "" : user.substring(colon + 1))
        .build();
  }
}
