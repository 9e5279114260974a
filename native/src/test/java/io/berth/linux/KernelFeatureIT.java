package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.KernelFeature.Need;
import io.berth.linux.KernelFeature.Presence;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The table of features, as root: what probes find is compared with what releases say. */
@Tag("root")
final class KernelFeatureIT {
  private static int ordinal(String release) {
    String[] numbers = release.split("[.-]");
    return Integer.parseInt(numbers[0]) * 1000 + Integer.parseInt(numbers[1]);
  }

  /** A distribution may have brought a feature to an older kernel, but none takes one away. */
  @ParameterizedTest
  @EnumSource
  void theProbeFindsWhatTheReleaseHas(KernelFeature feature) {
    boolean released = ordinal(System.getProperty("os.version")) >= ordinal(feature.since());
    Presence found = feature.presence();
    assertTrue(found == Presence.YES || (!released && found == Presence.NO), found::toString);
    assertEquals(found == Presence.YES, feature.inUse());
  }

  @ParameterizedTest
  @EnumSource
  void whatCanBeReplaced_canBeTakenAway(KernelFeature feature) {
    if (feature.need() != Need.REPLACED) {
      assertThrows(IllegalArgumentException.class, () -> KernelFeature.doWithout(Set.of(feature)));
      assertEquals(Optional.empty(), KernelFeature.replaceable(feature.text()));
      return;
    }
    Set<KernelFeature> named = KernelFeature.replaceable(feature.text()).orElseThrow();
    assertEquals(Set.of(feature), named);
    Set<KernelFeature> before = KernelFeature.doWithout(named);
    try {
      assertEquals(Presence.TAKEN_AWAY, feature.presence());
      assertFalse(feature.inUse());
    } finally {
      assertEquals(named, KernelFeature.doWithout(before));
    }
  }

  @Test
  void namesAreDifferent_andSentencesAreSentences() {
    Set<String> names = new HashSet<>();
    for (KernelFeature feature : KernelFeature.values()) {
      assertTrue(names.add(feature.text()));
      assertTrue(feature.text().matches("[a-z0-9]+(-[a-z0-9]+)*"), feature::text);
      assertTrue(feature.since().matches("[5-9]\\.\\d+"), feature::since);
      assertTrue(feature.otherwise().matches("[A-Z].*\\."), feature::otherwise);
    }
    assertEquals(KernelFeature.replaceable(), KernelFeature.replaceable("all").orElseThrow());
    assertEquals(List.of(), KernelFeature.missing());
  }

  /** Probes leave nothing: neither mounts, nor cgroups, nor tables, nor descriptors. */
  @Test
  void aProbeLeavesNothing() throws Exception {
    FeatureProbes.cgroupKill(); // what the first question loads stays
    List<String> mounts = probeMounts();
    long before = descriptors();
    assertTrue(FeatureProbes.overlayVolatile());
    FeatureProbes.overlayLowerdirAppend();
    FeatureProbes.cgroupKill();
    FeatureProbes.nftTablePersist();
    FeatureProbes.pidfdExit();
    FeatureProbes.netnsCookie();
    assertTrue(descriptors() <= before, "descriptors are left");
    assertEquals(mounts, probeMounts());
    for (MountInfo mount : MountInfo.ofSelf()) {
      if (mount.type().equals("cgroup2")) {
        try (Stream<Path> folders = Files.list(Path.of(mount.target()))) {
          String own = "-probe-" + ProcessHandle.current().pid() + "-";
          assertEquals(
              List.of(), folders.filter(folder -> folder.toString().contains(own)).toList());
        }
      }
    }
  }

  /** Others mount and unmount on this machine, too. */
  private static List<String> probeMounts() throws Exception {
    return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
        .filter(line -> line.contains("probe"))
        .toList();
  }

  private static long descriptors() throws Exception {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  /**
   * The supervisor decides nothing by the kernel: what there is to choose the plan says. Its one
   * look at ENOSYS is for filters of containers, which are in force when a program is looked up.
   */
  @Test
  void theSupervisorTriesNoCallThatMayBeMissing() throws Exception {
    Pattern decision = Pattern.compile("(errno|error) (==|!=) ENOSYS");
    List<String> found = new ArrayList<>();
    try (Stream<Path> sources = Files.walk(Path.of("src/main"))) {
      for (Path source : sources.filter(file -> file.toString().endsWith(".c")).toList()) {
        for (String line : Files.readAllLines(source)) {
          if (decision.matcher(line).find()) {
            found.add(source.getFileName() + ": " + line.strip());
          }
        }
      }
    }
    assertEquals(List.of("exec_steps.c: if (errno == ENOSYS || errno == EPERM)"), found);
  }
}
