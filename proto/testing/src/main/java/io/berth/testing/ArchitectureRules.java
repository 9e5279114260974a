package io.berth.testing;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaFieldAccess;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Set;
import java.util.concurrent.locks.Lock;

/**
 * The arrows between rooms and the manners inside them. Each module's {@code ArchitectureTest}
 * applies all of them.
 */
public final class ArchitectureRules {
  /** No service knows another's classes, only its wire. */
  public static final ArchRule ARROWS =
      noClasses()
          .that()
          .resideInAnyPackage("io.berth.base..", "io.berth.oci..", "io.berth.linux..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(services())
          .because("shared code stands below the services")
          .allowEmptyShould(true);

  /** The foreign function interface has one home. */
  public static final ArchRule FOREIGN =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.berth.linux..")
          .and()
          .resideInAPackage("io.berth..")
          .should()
          .dependOnClassesThat(
              new DescribedPredicate<>("call foreign functions") {
                @Override
                public boolean test(JavaClass type) {
                  return type.getPackageName().equals("java.lang.foreign")
                      && (type.getSimpleName().equals("Linker")
                          || type.getSimpleName().equals("SymbolLookup"));
                }
              })
          .allowEmptyShould(true);

  /** protobuf's own packing of Any adds a prefix that Go clients do not take. */
  public static final ArchRule ANY =
      noClasses()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .resideOutsideOfPackage("io.berth.api..")
          .should()
          .callMethod(com.google.protobuf.Any.class, "pack", com.google.protobuf.Message.class)
          .allowEmptyShould(true);

  /** Netty behind one door. */
  public static final ArchRule NETTY =
      noClasses()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .resideOutsideOfPackages("io.berth.base.rpc..", "io.berth.base.daemon..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.netty..", "io.grpc.netty..")
          .allowEmptyShould(true);

  /** Names that say nothing. */
  public static final ArchRule NAMES =
      noClasses()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .resideOutsideOfPackage("io.berth.api..")
          .should()
          .haveSimpleNameEndingWith("Util")
          .orShould()
          .haveSimpleNameEndingWith("Utils")
          .orShould()
          .haveSimpleNameEndingWith("Helper")
          .orShould()
          .haveSimpleNameEndingWith("Manager")
          .orShould()
          .haveSimpleNameEndingWith("Impl")
          .allowEmptyShould(true);

  /**
   * A thread that waits for nothing but time does so by {@code io.berth.base.time.Sleeper}, which a
   * test can replace by a clock that it turns.
   */
  public static final ArchRule SLEEP =
      noClasses()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .resideOutsideOfPackage("io.berth.base.time..")
          .should()
          .callMethodWhere(
              new DescribedPredicate<>("let time pass") {
                @Override
                public boolean test(JavaMethodCall call) {
                  return Set.of("sleep", "parkNanos").contains(call.getName())
                      && call.getTargetOwner().getPackageName().startsWith("java.");
                }
              })
          .allowEmptyShould(true);

  /** Durations and deadlines are not measured by a clock that anybody may set. */
  public static final ArchRule WALL_CLOCK = WallClock.RULE;

  /**
   * Which way to go where kernels differ is decided by {@code KernelFeature}: nobody else looks for
   * a call that is missing. Filters of containers answer so by themselves.
   */
  public static final ArchRule FEATURES =
      noClasses()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .doNotHaveFullyQualifiedName("io.berth.linux.FeatureProbes")
          .and()
          .doNotHaveFullyQualifiedName("io.berth.linux.SeccompPrologue")
          .should()
          .accessFieldWhere(
              new DescribedPredicate<>("look for a call that the kernel has not") {
                @Override
                public boolean test(JavaFieldAccess access) {
                  return access.getName().equals("ENOSYS")
                      && access.getTargetOwner().getName().equals("io.berth.linux.Errno")
                      && !access.getOriginOwner().equals(access.getTargetOwner());
                }
              })
          .allowEmptyShould(true);

  /** Closed to extension unless meant for it. */
  public static final ArchRule CLOSED =
      classes()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .resideOutsideOfPackage("io.berth.api..")
          .and()
          .areNotInterfaces()
          .and()
          .areNotAnonymousClasses()
          .and()
          .areNotAnnotatedWith("dagger.internal.DaggerGenerated")
          .should(beFinalSealedOrAbstract())
          .allowEmptyShould(true);

  /** No package needs another that needs it. */
  public static final ArchRule NO_CYCLES =
      slices().matching("io.berth.(**)").should().beFreeOfCycles().allowEmptyShould(true);

  /**
   * Whoever holds a lock says what it protects: in a class with synchronized methods or a lock
   * among its fields, each field that can change and is not volatile names its lock, which Error
   * Prone then checks at every use.
   */
  public static final ArchRule GUARDED =
      classes()
          .that()
          .resideInAPackage("io.berth..")
          .and()
          .resideOutsideOfPackage("io.berth.api..")
          .should(nameTheLockOfEachField())
          .allowEmptyShould(true);

  private ArchitectureRules() {}

  /**
   * The wire's types end at the edge: below {@code own} only these packages, where requests are
   * read and where other services are called, know generated classes.
   */
  public static ArchRule generatedOnlyIn(String own, String... edges) {
    return noClasses()
        .that()
        .resideInAPackage(own)
        .and()
        .resideOutsideOfPackages(edges)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.berth.api..")
        .because("a domain that speaks the wire's types cannot change without the wire");
  }

  /** Fails unless each library, by its package, is used. */
  public static void uses(JavaClasses classes, String... packages) {
    for (String library : packages) {
      boolean used =
          classes.stream()
              .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
              .anyMatch(use -> use.getTargetClass().getPackageName().startsWith(library));
      if (!used) {
        throw new AssertionError("no class uses " + library + ": drop the dependency");
      }
    }
  }

  private static String[] services() {
    return new String[] {
      "io.berth.containerd..",
      "io.berth.image..",
      "io.berth.network..",
      "io.berth.shim..",
      "io.berth.cli.."
    };
  }

  /** For the module whose own package is given: none of the other services' classes. */
  public static ArchRule alone(String own) {
    String[] others =
        java.util.Arrays.stream(services())
            .filter(name -> !name.equals(own))
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage(own)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others)
        .because("services know only each other's wire");
  }

  private static ArchCondition<JavaClass> nameTheLockOfEachField() {
    return new ArchCondition<>("name the lock of each field that can change") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean locks =
            type.getMethods().stream()
                    .anyMatch(method -> method.getModifiers().contains(JavaModifier.SYNCHRONIZED))
                || type.getFields().stream()
                    .anyMatch(field -> field.getRawType().isAssignableTo(Lock.class));
        if (!locks) {
          return;
        }
        for (JavaField field : type.getFields()) {
          boolean free =
              field.getModifiers().contains(JavaModifier.FINAL)
                  || field.getModifiers().contains(JavaModifier.VOLATILE)
                  || field.getModifiers().contains(JavaModifier.SYNTHETIC);
          if (!free && !field.isAnnotatedWith(GuardedBy.class)) {
            events.add(
                SimpleConditionEvent.violated(
                    field, field.getFullName() + " is behind a lock without @GuardedBy"));
          }
        }
      }
    };
  }

  private static ArchCondition<JavaClass> beFinalSealedOrAbstract() {
    return new ArchCondition<>("be final, sealed or abstract") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean generated =
            type.getSimpleName().startsWith("Dagger") || type.getSimpleName().contains("_");
        boolean closed =
            type.getModifiers().contains(JavaModifier.FINAL)
                || type.getModifiers().contains(JavaModifier.ABSTRACT)
                || type.isEnum()
                || type.reflect().isSealed()
                || type.getSimpleName().isEmpty();
        if (!closed && !generated) {
          events.add(SimpleConditionEvent.violated(type, type.getName() + " is open"));
        }
      }
    };
  }
}
