package io.berth.cli.command;

import io.berth.api.berth.image.v1.CheckLoginRequest;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.base.error.BerthException;
import io.berth.cli.session.Logins;
import io.berth.cli.session.Session;
import io.berth.cli.session.TerminalMode;
import io.berth.oci.image.ImageReference;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs for credentials of registries. */
public final class LoginCommands {
  private static final int MAX_SECRET = 64 << 10;

  private LoginCommands() {}

  /** Keeps credentials for a registry, after the registry has accepted them. */
  @Command(
      description = {
        "Keep credentials for a registry, once it took them.",
        "They are stored readable for you alone, but not encrypted."
      })
  public static final class Login extends SessionCommand {
    @Option(
        names = {"-u", "--username"},
        paramLabel = "NAME",
        description = "Who you are there (default: it asks)")
    String user = "";

    @Option(
        names = {"-p", "--password"},
        paramLabel = "PASSWORD",
        description = "Seen by everybody on this machine: --password-stdin is better")
    @Nullable String given;

    @Option(names = "--password-stdin", description = "Read the password from standard input")
    boolean fromInput;

    @Mixin RegistryOptions.Connection connection = new RegistryOptions.Connection();

    @Parameters(
        arity = "0..1",
        paramLabel = "REGISTRY",
        description = "HOST[:PORT] (default: docker.io)")
    String registry = "";

    @Override
    public int run(Session session) {
      String domain = ImageReference.domainOf(registry);
      Logins logins = new Logins(session.caller().environment());
      // Without a place to keep it nobody has to type a password.
      var _ = logins.file();
      if (fromInput && given != null) {
        throw new BerthException.InvalidArgument(
            "--password and --password-stdin are mutually exclusive; leave --password out");
      }
      if (given != null) {
        session.warn(
            List.of(
                "Using --password via the CLI is insecure: it is seen by everybody on this machine."
                    + " Use --password-stdin."));
      }
      if (fromInput && user.isEmpty()) {
        throw new BerthException.InvalidArgument("--password-stdin: give -u NAME as well");
      }
      if (user.isEmpty()) {
        user = ask(session, "Username: ", /* hidden= */ false);
      }
      if (user.isEmpty() || user.contains(":")) {
        throw new BerthException.InvalidArgument(
            "login: a user name is not empty and has no colon");
      }
      String password =
          given != null
              ? given
              : fromInput ? secret(session.caller().in()) : ask(session, "Password: ", true);
      if (password.isEmpty()) {
        throw new BerthException.InvalidArgument("login: the password is empty");
      }
      Credentials credentials =
          Credentials.newBuilder().setUsername(user).setPassword(password).build();
      CheckLoginRequest request =
          CheckLoginRequest.newBuilder()
              .setRegistry(registry.isEmpty() ? domain : registry)
              .setCredentials(credentials)
              .setPlainHttp(connection.plainHttp)
              .setInsecureTls(connection.insecure)
              .build();
      session.call(ImagesGrpc.getCheckLoginMethod(), request);
      logins.put(domain, credentials);
      session
          .err()
          .println(
              "WARNING: the password is stored unencrypted in "
                  + logins.file()
                  + "; `berth logout "
                  + domain
                  + "` removes it");
      session.out().println("Login Succeeded");
      return 0;
    }

    private static String secret(InputStream in) {
      try {
        byte[] bytes = in.readNBytes(MAX_SECRET + 1);
        if (bytes.length > MAX_SECRET) {
          throw new BerthException.InvalidArgument(
              "--password-stdin: more than " + MAX_SECRET + " bytes");
        }
        return new String(bytes, StandardCharsets.UTF_8).replaceFirst("[\r\n]+$", "");
      } catch (IOException e) {
        throw new BerthException.InvalidArgument("--password-stdin: " + e.getMessage(), e);
      }
    }

    private static String ask(Session session, String question, boolean hidden) {
      if (!session.caller().readsTerminal()) {
        throw new BerthException.InvalidArgument(
            "login: standard input is no terminal to ask at; use -u NAME --password-stdin");
      }
      session.err().print(question);
      session.err().flush();
      try {
        if (!hidden) {
          return line(session.caller().in());
        }
        try (TerminalMode _ = TerminalMode.silent(session.caller())) {
          return line(session.caller().in());
        } finally {
          session.err().println();
        }
      } catch (IOException e) {
        throw new BerthException.Internal("read standard input: " + e.getMessage(), e);
      }
    }

    /** Reads a line byte by byte, because what follows it is for whoever reads next. */
    private static String line(InputStream in) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int b = in.read(); b >= 0 && b != '\n' && bytes.size() < MAX_SECRET; b = in.read()) {
        bytes.write(b);
      }
      return bytes.toString(StandardCharsets.UTF_8).replaceFirst("\r$", "");
    }
  }

  /** Forgets the credentials for a registry. */
  @Command(description = "Forget the credentials for a registry")
  public static final class Logout extends SessionCommand {
    @Parameters(
        arity = "0..1",
        paramLabel = "REGISTRY",
        description = "HOST[:PORT] (default: docker.io)")
    String registry = "";

    @Override
    public int run(Session session) {
      String domain = ImageReference.domainOf(registry);
      boolean was = new Logins(session.caller().environment()).remove(domain);
      session
          .out()
          .println((was ? "Removing login credentials for " : "Not logged in to ") + domain);
      return 0;
    }
  }
}
