package io.berth.base.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.KernelFeature;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigTest {
  @Test
  void allProblemsAreToldAtOnceWithTheNearestKey() {
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () ->
                Config.parse(
                    Path.of("c.toml"), "rot = \"/x\"\nstate = 5\n[shim]\nisolatoin = \"pool\"\n"));
    assertEquals(
        "configuration `c.toml`: unknown key `rot`, did you mean `root`?; unknown key"
            + " `shim.isolatoin`, did you mean `shim.isolation`?; key `state`: 5 is no absolute"
            + " path",
        e.getMessage());
  }

  @Test
  void aStatePathThatLeavesNoRoomForSocketsIsRefused() {
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Config.parse(null, "state = \"/" + "x".repeat(70) + "\""));
    assertTrue(e.getMessage().contains("has 71 bytes, at most 70"), e.getMessage());
  }

  @Test
  void theFileIsTheSameInWhateverFolderAProcessStands() {
    Config config = Config.parse(Path.of("etc/config.toml"), "");
    assertEquals(Path.of("").toAbsolutePath().resolve("etc/config.toml"), config.file());
  }

  @Test
  void theDescriptionOfTheDefaultsIsItselfAConfiguration() {
    Config config = Config.parse(null, Config.defaults().describe());
    assertEquals(Path.of("/var/lib/berth"), config.root());
    String everything = Config.defaults().describe().replaceAll("(?m)^# (?=[a-z_]+ = )", "");
    assertEquals(1, Config.parse(null, everything).number(Key.SHIM_WARM_HOSTS));
  }

  // case V1
  @Test
  void featuresOfTheKernelAreTakenAwayByNamesThatExist() {
    assertEquals(Set.of(), Config.defaults().withoutFeatures());
    String text = "without_features = [\"overlay-lowerdir-append\"]\n";
    Config config = Config.parse(null, text);
    assertEquals(Set.of(KernelFeature.OVERLAY_LOWERDIR_APPEND), config.withoutFeatures());
    assertTrue(config.describe().contains("\n" + text), config.describe());
    for (KernelFeature feature : KernelFeature.replaceable()) {
      assertTrue(Config.defaults().describe().contains(feature.text()), feature::text);
    }
    assertEquals(
        KernelFeature.replaceable(),
        Config.parse(null, "without_features = [\"all\", \"fchmodat2\"]").withoutFeatures());
  }

  @ParameterizedTest
  @ValueSource(strings = {"overlay", "openat2", "ALL", ""})
  void namesOfFeaturesThatCannotBeTakenAway_areRefusedWithTheList(String name) {
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Config.parse(Path.of("c.toml"), "without_features = [\"" + name + "\"]"));
    assertEquals(
        "configuration `c.toml`: key `without_features`: there is no feature `"
            + name
            + "` that can be replaced; there are "
            + KernelFeature.names(),
        e.getMessage());
  }

  @Test
  void twoStateFoldersAreTwoInstances() {
    String a = Config.parse(null, "state = \"/run/a\"").instance();
    String b = Config.parse(null, "state = \"/run/b\"").instance();
    assertTrue(a.matches("[0-9a-f]{6}") && !a.equals(b), a + " " + b);
    assertEquals("abcdef", Config.parse(null, "instance = \"abcdef\"").instance());
  }
}
