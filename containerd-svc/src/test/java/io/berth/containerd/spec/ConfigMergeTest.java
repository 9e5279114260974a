package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.base.error.BerthException;
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
            "MB-109 a command replaces the image's",
            false,
            List.of(),
            List.of("x"),
            List.of("/entry", "x")),
        new Command(
            "MB-109 an entrypoint drops the image's command",
            true,
            List.of("e"),
            List.of(),
            List.of("e")),
        new Command("both", true, List.of("e"), List.of("x", "y"), List.of("e", "x", "y")),
        new Command(
            "MB-110 an empty entrypoint is not an absent one",
            true,
            List.of(),
            List.of("x"),
            List.of("x")),
        new Command(
            "MB-111 an entrypoint of one empty word is none",
            true,
            List.of(""),
            List.of("x"),
            List.of("x")));
  }

  // Rows MB-44, MB-50, MB-117.
  @ParameterizedTest
  @MethodSource("commands")
  void theCommandLine(Command row) {
    Config user =
        Config.newBuilder()
            .setEntrypointSet(row.set())
            .addAllEntrypoint(row.entrypoint())
            .addAllCmd(row.cmd())
            .build();
    Config merged = ConfigMerge.merge(user, Requests.IMAGE, label -> false);
    assertEquals(row.run(), ConfigMerge.commandLine(merged));
    assertEquals(
        merged, ConfigMerge.merge(merged, Requests.IMAGE, label -> false), "merged is merged");
  }

  @Test
  void noCommandAnywhere_isRefused_mb111() {
    Config empty =
        ConfigMerge.merge(
            Config.newBuilder().setEntrypointSet(true).build(), Requests.IMAGE, label -> false);
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> ConfigMerge.commandLine(empty));
    assertEquals(
        "no command specified: neither the request nor the image has one; give a command",
        e.getMessage());
  }

  @Test
  void aWordWithNul_isRefused() {
    Config config = Config.newBuilder().addCmd("sh").addCmd("a\0b").build();
    assertThrows(BerthException.InvalidArgument.class, () -> ConfigMerge.commandLine(config));
  }

  @Test
  void environment_usersFirstThenWhatTheUserDidNotName_mb107() {
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
        ConfigMerge.merge(user, image, label -> false).getEnvList());
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
    Config merged = ConfigMerge.merge(user, image, label -> label.startsWith("io.berth."));
    assertEquals("1", merged.getUser(), "MB-105");
    assertEquals(List.of("81/tcp", "80/tcp"), merged.getExposedPortsList(), "MB-106");
    assertEquals(Map.of("both", "user", "maker", "us"), merged.getLabelsMap(), "MB-108");
    assertEquals("/srv", merged.getWorkingDir(), "MB-113");
    assertEquals("SIGQUIT", merged.getStopSignal(), "MB-115");
    assertEquals("h", merged.getHostname(), "MB-116");
    Config given =
        user.toBuilder().setUser("2").setWorkingDir("/w").setStopSignal("SIGINT").build();
    Config kept = ConfigMerge.merge(given, image, label -> false);
    assertEquals(
        "2 /w SIGINT", kept.getUser() + " " + kept.getWorkingDir() + " " + kept.getStopSignal());
  }

  @Test
  void laterChangesOfTheResultDoNotReachTheImage_mb104() {
    ImageConfig.Builder image = Requests.IMAGE.toBuilder();
    Config merged = ConfigMerge.merge(Config.getDefaultInstance(), image.build(), label -> false);
    Config before = merged.toBuilder().build();
    image.addEnv("LATER=1").putLabels("later", "1").clearEntrypoint();
    assertEquals(3, merged.toBuilder().addEnv("MINE=1").build().getEnvCount());
    assertEquals(before, merged);
    assertEquals("/entry", Requests.IMAGE.getEntrypoint(0));
  }
}
