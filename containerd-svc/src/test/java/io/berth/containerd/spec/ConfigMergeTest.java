package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.ImageSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ConfigMergeTest {
  /** What a person gives over an image's ["/entry"] ["serve"], and what is run. */
  record Command(
      String name, boolean set, List<String> entrypoint, List<String> cmd, List<String> run) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Command> commands() {
    return List.of(
        new Command(
            "nothing: the image's", false, List.of(), List.of(), List.of("/entry", "serve")),
        new Command(
            "a command replaces the image's",
            false,
            List.of(),
            List.of("x"),
            List.of("/entry", "x")),
        new Command(
            "an entrypoint drops the image's command", true, List.of("e"), List.of(), List.of("e")),
        new Command("both", true, List.of("e"), List.of("x", "y"), List.of("e", "x", "y")),
        new Command(
            "an empty entrypoint is not an absent one",
            true,
            List.of(),
            List.of("x"),
            List.of("x")),
        new Command(
            "an entrypoint of one empty word is none",
            true,
            List.of(""),
            List.of("x"),
            List.of("x")));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void theCommandLine(Command row) {
    Config user =
        Config.newBuilder()
            .setEntrypointSet(row.set())
            .addAllEntrypoint(row.entrypoint())
            .addAllCmd(row.cmd())
            .build();
    ContainerConfig merged = Requests.merge(user, Requests.IMAGE, label -> false);
    assertEquals(row.run(), ConfigMerge.commandLine(merged));
    assertEquals(
        merged,
        ConfigMerge.merge(merged, ConfigMessages.read(Requests.IMAGE), label -> false),
        "merged is merged");
  }

  @Test
  void noCommandAnywhere_isRefused() {
    ContainerConfig empty =
        Requests.merge(
            Config.newBuilder().setEntrypointSet(true).build(), Requests.IMAGE, label -> false);
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> ConfigMerge.commandLine(empty));
    assertEquals(
        "no command specified: neither the request nor the image has one; give a command",
        e.getMessage());
  }

  @Test
  void aWordWithNul_isRefused() {
    ContainerConfig config =
        ConfigMessages.read(Config.newBuilder().addCmd("sh").addCmd("a\0b").build());
    assertThrows(BerthException.InvalidArgument.class, () -> ConfigMerge.commandLine(config));
  }

  @Test
  void environment_usersFirstThenWhatTheUserDidNotName() {
    ImageConfig image =
        ImageConfig.newBuilder()
            .addEnv("A=image")
            .addEnv("B=b=c")
            .addEnv("a=lower")
            .addEnv("C=image")
            .build();
    Config user = Config.newBuilder().addEnv("A=user").addEnv("C").addEnv("D=d").build();
    assertEquals(
        List.of("A=user", "C", "D=d", "B=b=c", "a=lower"),
        Requests.merge(user, image, label -> false).environment());
  }

  @Test
  void gapsAreFilled_whatIsGivenStays() {
    ImageConfig image =
        Requests.IMAGE.toBuilder()
            .setUser("1")
            .setStopSignal("SIGQUIT")
            .putLabels("both", "image")
            .putLabels("io.berth.secret", "forged")
            .build();
    Config user =
        Config.newBuilder()
            .putLabels("both", "user")
            .addExposedPorts("81/tcp")
            .setHostname("h")
            .build();
    ContainerConfig merged = Requests.merge(user, image, label -> label.startsWith("io.berth."));
    assertEquals("1", merged.user());
    assertEquals(List.of("81/tcp", "80/tcp"), merged.exposedPorts());
    assertEquals(Map.of("both", "user", "maker", "us"), merged.labels());
    assertEquals("/srv", merged.workingDirectory());
    assertEquals("SIGQUIT", merged.stop().signal());
    assertEquals("h", merged.hostname());
    Config given =
        user.toBuilder().setUser("2").setWorkingDir("/w").setStopSignal("SIGINT").build();
    ContainerConfig kept = Requests.merge(given, image, label -> false);
    assertEquals(
        "2 /w SIGINT", kept.user() + " " + kept.workingDirectory() + " " + kept.stop().signal());
  }

  @Test
  void neitherSideCanBeChangedLater() {
    List<String> environment = new ArrayList<>(List.of("A=1"));
    Map<String, String> labels = new HashMap<>(Map.of("maker", "us"));
    ImageSettings image =
        new ImageSettings(
            "",
            "",
            new io.berth.containerd.settings.Command(List.of("/entry"), false, List.of()),
            environment,
            "",
            "",
            "",
            labels,
            List.of(),
            List.of(),
            null);
    ContainerConfig merged = ConfigMerge.merge(ContainerConfig.NONE, image, label -> false);
    environment.add("LATER=1");
    labels.put("later", "1");
    assertEquals(List.of("A=1"), merged.environment());
    assertEquals(Map.of("maker", "us"), merged.labels());
    assertThrows(UnsupportedOperationException.class, () -> merged.environment().add("MINE=1"));
    assertEquals(List.of("A=1"), image.environment());
  }
}
