package io.berth.network;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.berth.linux.net.RouteRequest;
import io.berth.network.link.Cabling;
import io.berth.testing.ArchitectureRules;

@AnalyzeClasses(
    packages = "io.berth.network",
    importOptions = {
      ImportOption.DoNotIncludeTests.class,
      ArchitectureTest.WithoutGeneratedComponents.class
    })
final class ArchitectureTest {
  /** Dagger's names are not ours; and a fast build puts tests where ArchUnit does not know them. */
  static final class WithoutGeneratedComponents implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/Dagger") && !location.contains("/test/");
    }
  }

  @ArchTest static final ArchRule SLEEP = ArchitectureRules.SLEEP;

  @ArchTest static final ArchRule WALL_CLOCK = ArchitectureRules.WALL_CLOCK;
  @ArchTest static final ArchRule ALONE = ArchitectureRules.alone("io.berth.network..");
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
      ArchitectureRules.generatedOnlyIn("io.berth.network..", "io.berth.network.api..");

  /** A link on the host that came about elsewhere would let who is on it configure the host. */
  @ArchTest
  static final ArchRule LINKS =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName(Cabling.class.getName())
          .should()
          .callMethod(RouteRequest.class, "create", RouteRequest.Bridge.class)
          .orShould()
          .callMethod(RouteRequest.class, "create", RouteRequest.Cable.class);

  /** Subnets and addresses are pure. */
  @ArchTest
  static final ArchRule PURE =
      noClasses()
          .that()
          .resideInAPackage("io.berth.network.address..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.io..", "java.nio..", "java.sql..", "io.grpc..");
}
