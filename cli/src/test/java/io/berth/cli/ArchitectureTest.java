package io.berth.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.berth.testing.ArchitectureRules;
import java.util.Map;
import java.util.Set;

@AnalyzeClasses(packages = "io.berth.cli", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
  @ArchTest static final ArchRule SLEEP = ArchitectureRules.SLEEP;

  @ArchTest static final ArchRule WALL_CLOCK = ArchitectureRules.WALL_CLOCK;
  @ArchTest static final ArchRule ALONE = ArchitectureRules.alone("io.berth.cli..");
  @ArchTest static final ArchRule FOREIGN = ArchitectureRules.FOREIGN;
  @ArchTest static final ArchRule ANY = ArchitectureRules.ANY;
  @ArchTest static final ArchRule NETTY = ArchitectureRules.NETTY;
  @ArchTest static final ArchRule NAMES = ArchitectureRules.NAMES;
  @ArchTest static final ArchRule FEATURES = ArchitectureRules.FEATURES;
  @ArchTest static final ArchRule CLOSED = ArchitectureRules.CLOSED;
  @ArchTest static final ArchRule NO_CYCLES = ArchitectureRules.NO_CYCLES;
  @ArchTest static final ArchRule GUARDED = ArchitectureRules.GUARDED;

  /** What asks or changes the process that carries a line out, by class. */
  private static final Map<String, Set<String>> OF_THE_PROCESS =
      Map.of(
          "java.lang.System",
          Set.of("in", "out", "err", "getenv", "exit", "setProperty", "setIn", "setOut", "setErr"),
          "java.lang.Runtime",
          Set.of("exit", "halt", "addShutdownHook"),
          "java.nio.file.Path",
          Set.of("toAbsolutePath"),
          "java.time.ZoneId",
          Set.of("systemDefault"),
          // A carrier thread has the process's folder and umask, not those of a line.
          "java.lang.Thread",
          Set.of("ofVirtual", "startVirtualThread"),
          "io.berth.linux.Processes",
          Set.of("exitNow"));

  /**
   * A line has its streams, variables, folder and signals from its caller. Only the programs, and
   * what speaks for a process as a caller, ask the process that they are in.
   */
  @ArchTest
  static final ArchRule CALLERS =
      noClasses()
          .that()
          .resideInAPackage("io.berth.cli..")
          .and()
          .doNotHaveSimpleName("CliMain")
          .and()
          .doNotHaveSimpleName("ResidentMain")
          .and()
          .doNotHaveSimpleName("OwnProcess")
          .and()
          // Where a caller names no time zone, it is the machine's.
          .doNotHaveSimpleName("Caller")
          .should()
          .accessTargetWhere(
              new DescribedPredicate<JavaAccess<?>>("ask the process for what is the caller's") {
                @Override
                public boolean test(JavaAccess<?> access) {
                  return OF_THE_PROCESS
                      .getOrDefault(access.getTargetOwner().getName(), Set.of())
                      .contains(access.getName());
                }
              });
}
