package io.berth.image;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.berth.testing.ArchitectureRules;

@AnalyzeClasses(
    packages = "io.berth.image",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.ByHand.class})
final class ArchitectureTest {
  /** Leaves out the classes that Dagger makes, which it names itself. */
  static final class ByHand implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/Dagger");
    }
  }

  @ArchTest static final ArchRule SLEEP = ArchitectureRules.SLEEP;

  @ArchTest static final ArchRule WALL_CLOCK = ArchitectureRules.WALL_CLOCK;
  @ArchTest static final ArchRule ALONE = ArchitectureRules.alone("io.berth.image..");
  @ArchTest static final ArchRule FOREIGN = ArchitectureRules.FOREIGN;
  @ArchTest static final ArchRule ANY = ArchitectureRules.ANY;
  @ArchTest static final ArchRule NETTY = ArchitectureRules.NETTY;
  @ArchTest static final ArchRule NAMES = ArchitectureRules.NAMES;
  @ArchTest static final ArchRule FEATURES = ArchitectureRules.FEATURES;
  @ArchTest static final ArchRule CLOSED = ArchitectureRules.CLOSED;
  @ArchTest static final ArchRule NO_CYCLES = ArchitectureRules.NO_CYCLES;

  @ArchTest static final ArchRule GUARDED = ArchitectureRules.GUARDED;

  @ArchTest
  static final ArchRule WIRE =
      ArchitectureRules.generatedOnlyIn("io.berth.image..", "io.berth.image.api..");

  @ArchTest
  static void libraries(JavaClasses classes) {
    ArchitectureRules.uses(
        classes, "com.github.benmanes.caffeine", "dagger", "com.google.protobuf", "io.grpc");
  }
}
