package io.berth.linux;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.berth.testing.ArchitectureRules;

@AnalyzeClasses(
    packages = "io.berth.linux",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.WithoutTests.class})
final class ArchitectureTest {
  /** A fast build puts the tests' classes into a folder that ArchUnit does not know for theirs. */
  static final class WithoutTests implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/test/");
    }
  }

  @ArchTest static final ArchRule SLEEP = ArchitectureRules.SLEEP;

  @ArchTest static final ArchRule WALL_CLOCK = ArchitectureRules.WALL_CLOCK;
  @ArchTest static final ArchRule ARROWS = ArchitectureRules.ARROWS;
  @ArchTest static final ArchRule NAMES = ArchitectureRules.NAMES;
  @ArchTest static final ArchRule FEATURES = ArchitectureRules.FEATURES;
  @ArchTest static final ArchRule CLOSED = ArchitectureRules.CLOSED;
  @ArchTest static final ArchRule NO_CYCLES = ArchitectureRules.NO_CYCLES;
  @ArchTest static final ArchRule GUARDED = ArchitectureRules.GUARDED;
}
