package io.berth.testing;

import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The clock of the wall tells what people read, and when something ends that a person or a document
 * gave a date for. It may be set to any other time at any moment, so no duration is measured by it
 * and no deadline is kept by it: that is {@code io.berth.base.time.Ticker}'s business, and {@link
 * System#nanoTime}'s. Who reads it is named here, method by method.
 */
final class WallClock {
  /** Each method that may read the clock of the wall, by its class. */
  private static final Map<String, Set<String>> READERS =
      Map.ofEntries(
          // Moments in records, events and answers, which people read.
          read("containerd.api.EventsEndpoint", "publish", "forward"),
          read("containerd.api.TasksEndpoint", "metrics"),
          read("containerd.container.ContainerCreation", "described"),
          read("containerd.container.ContainerHealth", "probe"),
          read("containerd.container.ContainerLaunch", "begin"),
          read("containerd.container.ContainerResumption", "resumeWithoutProgram"),
          read("containerd.container.ContainerStarts", "failed"),
          read("containerd.container.ProcessUsage", "started"),
          read("containerd.event.EventBroker", "publish", "publishMissed"),
          read("containerd.event.RecentEvents", "now"),
          read("containerd.metadata.ContainerRecords", "create", "update"),
          read("containerd.task.Deletions", "deleteInShim"),
          read("containerd.task.Shims", "adopt"),
          read("containerd.timing.Timings", "begin"),
          read("image.build.ImageBuilder", "commit", "importRootfs"),
          read("image.meta.Metadata", "clockTime", "now"),
          read("network.endpoint.NetworkChronicle", "<init>", "tell"),
          read("network.endpoint.NetworkTable", "add"),
          read("network.endpoint.Attachments", "intend"),
          read("shim.run.Bereavement", "kept"),
          read("shim.run.TaskDeletion", "delete"),
          read("cli.render.EngineDocument", "addInfo"),
          // Ages in tables, and moments that a person gave as a date or as one so long ago.
          read("containerd.container.ContainerQueries", "list", "prunable"),
          read("containerd.event.RecentEvents$Watcher", "take"),
          read("containerd.log.LogReader", "isOver"),
          read("image.api.ImageFilter", "<init>"),
          read("image.library.Tagging", "prune"),
          read("network.api.NetworksEndpoint", "prune"),
          read("cli.command.DiskUsageCommand", "run"),
          read("cli.command.EventsCommand", "run"),
          read("cli.command.ListingCommand", "run"),
          read("cli.command.PruneCommands$Pruning", "run"),
          read("cli.command.StreamCommands$Logs", "run"),
          // Dates by which leases end, and until which a server wants to be left alone.
          read("cli.containerd.LeasesGroup$Create", "run"),
          read("containerd.client.WarmUpClient", "round"),
          read("image.lease.WorkLease", "take"),
          read("image.registry.TryLater", "pause"),
          // What an earlier life of a service has left of its clock is that of the wall.
          read("containerd.health.HealthMonitor$Watch", "sinceLastEnd"));

  private WallClock() {}

  static final ArchRule RULE =
      ArchRuleDefinition.classes()
          .that()
          .resideInAPackage("io.berth..")
          .should(readItOnlyWhereNamed())
          .allowEmptyShould(true);

  private static Map.Entry<String, Set<String>> read(String type, String... methods) {
    return Map.entry("io.berth." + type, Set.of(methods));
  }

  private static ArchCondition<JavaClass> readItOnlyWhereNamed() {
    return new ArchCondition<>("read the clock of the wall only in methods that are named") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        Set<String> named = READERS.getOrDefault(type.getName(), Set.of());
        Set<String> unused = new HashSet<>(named);
        for (JavaAccess<?> access : type.getAccessesFromSelf()) {
          String method = access.getOrigin().getName();
          if (isReading(access.getTarget())) {
            unused.remove(method);
            if (!named.contains(method)) {
              events.add(SimpleConditionEvent.violated(access, access.getDescription()));
            }
          }
        }
        for (String method : unused) {
          events.add(
              SimpleConditionEvent.violated(
                  type, type.getName() + "." + method + " is named and reads no clock"));
        }
      }
    };
  }

  private static boolean isReading(AccessTarget target) {
    String owner = target.getOwner().getName();
    return switch (target.getName()) {
      case "currentTimeMillis" -> owner.equals("java.lang.System");
      case "now" -> owner.startsWith("java.time.");
      case "instant", "millis" -> target.getOwner().isAssignableTo(java.time.InstantSource.class);
      case "<init>" -> owner.equals("java.util.Date");
      default -> false;
    };
  }
}
