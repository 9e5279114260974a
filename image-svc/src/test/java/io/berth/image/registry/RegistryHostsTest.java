package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which server is told which login. */
// case I13
final class RegistryHostsTest {
  private static final Access.Credentials TYPED = new Access.Credentials("typed", "secret", "", "");
  private static final String LOGIN = "username = \"kept\"\npassword = \"p\"\n";

  @TempDir Path folder;

  private List<Host> hosts(String registry, Access.Credentials typed) {
    return new RegistryHosts(List.of(), folder, ProxyRules.NONE)
        .route(registry, new RegistryHosts.Wish(typed, false, false))
        .hosts();
  }

  private void file(String name, String text) throws Exception {
    Files.writeString(folder.resolve(name + ".toml"), text);
  }

  @ParameterizedTest
  @CsvSource({
    "registry.example, https://registry.example, typed",
    "registry.example, https://registry.example/below, typed",
    "registry.example, https://cache.example, kept",
    "registry.example:5000, https://registry.example, kept",
    "docker.io, https://docker.io, typed",
    "docker.io, https://registry-1.docker.io, typed",
    "docker.io, https://docker.io.example, kept",
  })
  void loginThatWasTyped_isForTheRegistrysOwnServerAlone(
      String registry, String server, String user) throws Exception {
    file(registry, "server = \"" + server + "\"\n" + LOGIN);
    assertEquals(user, hosts(registry, TYPED).getLast().access().credentials().username());
    assertEquals(
        "kept",
        hosts(registry, Access.Credentials.NONE).getLast().access().credentials().username());
  }

  @Test
  void dockersOwnServer_isAskedWhereItIs() throws Exception {
    file("docker.io", "server = \"https://docker.io\"\n");
    assertEquals("https://registry-1.docker.io/v2", hosts("docker.io", TYPED).getLast().base());
  }

  @ParameterizedTest
  @ValueSource(strings = {"_default", "mirror.example"})
  void whatIsKeptForAnotherServer_isNotForAMirror(String name) throws Exception {
    file("registry.example", "mirrors = [\"https://mirror.example\"]\n");
    file(
        name,
        "server = \"https://cache.example\"\n"
            + LOGIN
            + "[header]\nAuthorization = \"Bearer t\"\n");
    Host mirror = hosts("registry.example", TYPED).getFirst();
    assertEquals("https://mirror.example/v2", mirror.base());
    assertEquals(Access.Credentials.NONE, mirror.access().credentials());
    assertEquals(Map.of(), mirror.access().headers());
    file("mirror.example", LOGIN);
    assertEquals(
        "kept", hosts("registry.example", TYPED).getFirst().access().credentials().username());
  }

  @ParameterizedTest
  @ValueSource(strings = {LOGIN, "header = {authorization = \"Bearer t\"}\n"})
  void secretForEverybody_isRefused(String text) throws Exception {
    file("_default", text);
    String message =
        assertThrows(
                BerthException.FailedPrecondition.class, () -> hosts("registry.example", TYPED))
            .getMessage();
    assertTrue(message.contains("told to every registry"), message);
  }

  /** As containerd's own documents have it. */
  @Test
  void keyInItsCertificatesFile_needsNoPath() throws Exception {
    file("registry.example", "client = [[\"a.cert\", \"a.key\"], [\"b.pem\", \"\"]]\n");
    Path both = folder.resolve("b.pem");
    assertEquals(
        List.of(
            new Trust.Pair(folder.resolve("a.cert"), folder.resolve("a.key")),
            new Trust.Pair(both, both)),
        hosts("registry.example", TYPED).getLast().access().trust().own());
  }
}
