package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Credentials for Debian's docker-registry with an account. */
@Tag("root")
final class LoginIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String PASSWORD = "s3cret word";

  /** Made by crypt(3) with the lowest cost: there is no htpasswd(1) on every machine. */
  private static final String ACCOUNT =
      "me:$2b$05$abcdefghijklmnopqrstuuDM.KJwaIBUdFNSI0sjlLSPixyAOKFFm";

  @SuppressWarnings("NullAway.Init")
  private static LocalRegistry registry;

  @SuppressWarnings("NullAway.Init")
  private static Path image;

  private Path home = Path.of("/");

  @BeforeAll
  static void open() throws Exception {
    registry = new LocalRegistry(berth.folder("registry"), ACCOUNT);
    image = BusyboxImage.archive(berth.folder("image"));
  }

  @AfterAll
  static void close() {
    registry.close();
  }

  @BeforeEach
  void newHome() throws Exception {
    home = Files.createTempDirectory(berth.folder("homes"), "home");
  }

  @AfterEach
  void removeImages() {
    for (String id : berth.berth("images", "-q", "--no-trunc").exits(0).out().lines().toList()) {
      berth.berth("rmi", "-f", id);
    }
  }

  /** With this person's home, and nothing else of the environment that could name another. */
  private Command atHome(String input, String... arguments) {
    return Command.run(
        berth.line(arguments),
        input.getBytes(StandardCharsets.UTF_8),
        Map.of("HOME", home.toString(), "XDG_CONFIG_HOME", ""));
  }

  private Path file() {
    return home.resolve(".config/berth/logins.json");
  }

  private static String host() {
    return "127.0.0.1:" + registry.port();
  }

  private Command login(String password) {
    return atHome(password, "login", host(), "-u", "me", "--password-stdin");
  }

  @Test
  void whoLoggedInPushesAndPulls() throws Exception {
    String ref = registry.ref("team/own:1");
    berth.berth("load", "-i", image.toString()).exits(0);
    berth.berth("tag", "busybox:test", ref).exits(0);
    atHome("", "push", ref).exits(1).says("wants a login");

    login(PASSWORD + "\n").exits(0).says("Login Succeeded").says("unencrypted").saysNo(PASSWORD);
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file())));
    atHome("", "push", ref).exits(0).saysNo(PASSWORD);
    berth.berth("rmi", "-f", ref, "busybox:test").exits(0);

    atHome("", "pull", ref).exits(0).saysNo(PASSWORD);
    berth.berth("rmi", "-f", ref).exits(0);
    // A run that has to pull, too.
    Command run = atHome("", "run", "--rm", "--network", "none", ref, "echo", "in").exits(0);
    assertEquals("in\n", run.out());
    berth.berth("rmi", "-f", ref).exits(0);

    atHome("", "logout", host()).exits(0).says("Removing login credentials for " + host());
    assertFalse(Files.readString(file()).contains(host()), "forgotten");
    atHome("", "logout", host()).exits(0).says("Not logged in");
    atHome("", "pull", ref).exits(1).says("wants a login");
    for (String service : BerthInstance.SERVICES) {
      assertFalse(berth.log(service).contains(PASSWORD), service);
    }
  }

  @Test
  void whatTheRegistryRefusesIsNotKept() throws Exception {
    Command wrong = login("guess").exits(1);
    assertEquals(1, wrong.err().lines().count(), wrong.err());
    wrong.says("log in to `" + host() + "`").says("401").saysNo("guess");
    assertFalse(Files.exists(file()), "nothing is kept");

    login(PASSWORD).exits(0);
    String kept = Files.readString(file());
    login("guess").exits(1);
    assertEquals(kept, Files.readString(file()));
    atHome("x", "login", "127.0.0.1:" + LocalRegistry.freePort(), "-u", "me", "--password-stdin")
        .exits(1)
        .says("refused");
    assertEquals(kept, Files.readString(file()));
  }

  @Test
  void wrongLinesAndFiles() throws Exception {
    atHome("x", "login", host(), "--password-stdin").exits(1).says("-u NAME");
    atHome("", "login", host(), "-u", "me").exits(1).says("no terminal");
    atHome("x", "login", "nohost", "-u", "me", "--password-stdin").exits(1).says("nohost");
    Files.createDirectories(file().getParent());
    Files.writeString(file(), "auth = " + PASSWORD);
    // A file that cannot be read is told by its name, without what stands in it.
    atHome("", "pull", registry.ref("team/own:1"))
        .exits(1)
        .says(file().toString())
        .saysNo(PASSWORD);
    login(PASSWORD).exits(1).says(file().toString());
    assertEquals("auth = " + PASSWORD, Files.readString(file()));
  }

  @Test
  void atATerminalItAsks() throws Exception {
    List<String> line = new ArrayList<>(List.of("env", "HOME=" + home, "XDG_CONFIG_HOME="));
    line.addAll(berth.line("login", host()));
    Command asked =
        Command.onTerminal(line, ("me\n" + PASSWORD + "\n").getBytes(StandardCharsets.UTF_8));
    asked.exits(0).says("Username: ").says("Password: ").says("Login Succeeded");
    assertTrue(Files.exists(file()), asked.out());
  }
}
