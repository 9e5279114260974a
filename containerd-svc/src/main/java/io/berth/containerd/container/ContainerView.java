package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.client.RootSizes;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Puts together what is stored of a container and what its task is doing now. Thread-safe. */
@Singleton
final class ContainerView {
  private final Tasks tasks;
  private final ContainerRestarts restarts;
  private final ContainerTeardown teardown;
  private final Surroundings surroundings;
  private final ContainerHealth health;
  private final BackgroundWork background;
  private final ContainerRecords records;

  @Inject
  ContainerView(
      Tasks tasks,
      ContainerRestarts restarts,
      ContainerTeardown teardown,
      Surroundings surroundings,
      ContainerHealth health,
      BackgroundWork background,
      ContainerRecords records) {
    this.tasks = tasks;
    this.restarts = restarts;
    this.teardown = teardown;
    this.surroundings = surroundings;
    this.health = health;
    this.background = background;
    this.records = records;
  }

  /** The container without its size and its mounts. */
  ContainerStatus of(NamedContainer container) {
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    boolean runs = glance != null && glance.running();
    return new ContainerStatus(
        container.described(),
        run(container, glance),
        container.progress().restarts(),
        runs ? container.described().endpoint() : NetworkEndpoint.NONE,
        runs ? execs(key) : List.of(),
        ImageCalls.Sizes.NONE,
        List.of());
  }

  /** What the sizes of one request are asked with. */
  RootSizes sizes() {
    return surroundings.images().sizes();
  }

  /** Adds the bytes of the root file system. */
  ContainerStatus withSize(ContainerStatus seen, RootSizes sizes) {
    RootFilesystem root = seen.described().root();
    return root.isSnapshot()
        ? seen.withSizes(sizes.of(seen.described().key().namespace(), root))
        : seen;
  }

  /**
   * Adds what a start would mount that is more than a kernel's file system: what a person or the
   * image asked for, and the container's own files as far as they are made.
   */
  ContainerStatus withMounts(ContainerStatus seen) {
    TaskKey key = seen.described().key();
    Set<String> asked =
        seen.described().host().storage().mounts().stream()
            .map(mount -> Path.of(mount.target()).normalize().toString())
            .collect(Collectors.toSet());
    ContainerFiles files = surroundings.files(key);
    Set<String> own =
        Stream.of(files.hosts(), files.hostname(), files.resolvConf())
            .filter(Files::exists)
            .map(Path::toString)
            .collect(Collectors.toSet());
    RuntimeSpec spec =
        RuntimeSpec.read(
            records.get(key).spec().getValue().toByteArray(),
            "specification of container `" + seen.described().name() + "`");
    return seen.withMounts(
        spec.mounts().stream()
            .filter(mount -> asked.contains(mount.destination()) || own.contains(mount.source()))
            .toList());
  }

  private List<String> execs(TaskKey key) {
    try {
      return tasks.execs(key).stream().filter(id -> !ContainerHealth.isProbe(id)).toList();
    } catch (BerthException.NotFound e) {
      // The container ended between the two looks.
      return List.of();
    }
  }

  private ContainerStatus.Run run(NamedContainer container, Tasks.@Nullable Glance glance) {
    TaskKey key = container.key();
    Progress progress = container.progress();
    boolean runs = glance != null && glance.running();
    // Work that waited for a service tells so until its thread has ended, and a container that runs
    // waits for none.
    String waitsFor = runs ? "" : background.why(key);
    // A container without a task that claims to run was cut off with the machine, and that is not
    // recorded yet.
    boolean cutOff = glance == null && progress.running();
    Exit exit = glance == null ? null : glance.exit();
    return new ContainerStatus.Run(
        stateOf(container, glance),
        glance != null && runs ? glance.pid() : 0,
        exit != null ? exit.status() : cutOff ? Exit.UNKNOWN : progress.exitCode(),
        waitsFor.isEmpty() ? why(container, exit) : waitsFor,
        exit == null ? progress.oomKilled() : exit.oomKilled(),
        instant(progress.startedAt()),
        exit == null ? instant(progress.finishedAt()) : exit.at(),
        health.of(container));
  }

  /** An end that is not recorded yet is told as it will be. */
  private static String why(NamedContainer container, @Nullable Exit exit) {
    return exit == null
        ? container.progress().error()
        : OutOfMemory.word(exit, container.described().host());
  }

  private static @Nullable Instant instant(long nanos) {
    return nanos == 0 ? null : Progress.instant(nanos);
  }

  private RunState stateOf(NamedContainer container, Tasks.@Nullable Glance glance) {
    TaskKey key = container.key();
    if (teardown.isRemoving(key)) {
      return RunState.REMOVING;
    }
    if (glance != null && glance.running()) {
      return glance.paused() ? RunState.PAUSED : RunState.RUNNING;
    }
    if (restarts.runsAgain(container, glance == null ? null : glance.exit())) {
      return RunState.RESTARTING;
    }
    // A container that could not be started has not run: its code and its error are told, and it
    // stays created.
    return container.progress().wasStarted() ? RunState.EXITED : RunState.CREATED;
  }
}
