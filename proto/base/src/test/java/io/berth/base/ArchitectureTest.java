package io.berth.base;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.berth.testing.ArchitectureRules;

@AnalyzeClasses(
    packages = {"io.berth.base", "io.berth.oci"},
    importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
  @ArchTest static final ArchRule GUARDED = ArchitectureRules.GUARDED;
  @ArchTest static final ArchRule SLEEP = ArchitectureRules.SLEEP;

  @ArchTest static final ArchRule WALL_CLOCK = ArchitectureRules.WALL_CLOCK;
  @ArchTest static final ArchRule ARROWS = ArchitectureRules.ARROWS;
  @ArchTest static final ArchRule FOREIGN = ArchitectureRules.FOREIGN;
  @ArchTest static final ArchRule ANY = ArchitectureRules.ANY;
  @ArchTest static final ArchRule NETTY = ArchitectureRules.NETTY;
  @ArchTest static final ArchRule NAMES = ArchitectureRules.NAMES;
  @ArchTest static final ArchRule FEATURES = ArchitectureRules.FEATURES;
  @ArchTest static final ArchRule CLOSED = ArchitectureRules.CLOSED;
  @ArchTest static final ArchRule NO_CYCLES = ArchitectureRules.NO_CYCLES;

  @ArchTest
  static void libraries(JavaClasses classes) {
    ArchitectureRules.uses(
        classes, "io.netty.channel.epoll", "io.grpc.netty", "com.google.protobuf");
  }
}
