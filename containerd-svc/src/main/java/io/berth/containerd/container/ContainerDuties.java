package io.berth.containerd.container;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.InfoResponse;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.PruneResponse;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.api.berth.container.v1.UpdateResponse;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.RestartRule;
import io.berth.containerd.shimprocess.ShimProcesses;
import io.berth.containerd.spec.ResourceRules;
import io.berth.containerd.spec.SpecJson;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** What is asked of containers beside starting and ending them. */
@Singleton
final class ContainerDuties {
  private final Config config;
  private final NamedContainers containers;
  private final ContainerRecords records;
  private final ContainerLife life;
  private final ContainerUpkeep upkeep;
  private final ContainerRemoval removal;
  private final ContainerView view;
  private final Surroundings surroundings;
  private final KeyLocks locks;
  private final Waits waits;
  private final Tasks tasks;
  private final ShimProcesses shimProcesses;
  private final InstantSource clock;

  @Inject
  ContainerDuties(
      Config config,
      NamedContainers containers,
      ContainerRecords records,
      ContainerLife life,
      ContainerUpkeep upkeep,
      ContainerRemoval removal,
      ContainerView view,
      Surroundings surroundings,
      KeyLocks locks,
      Waits waits,
      Tasks tasks,
      ShimProcesses shimProcesses,
      InstantSource clock) {
    this.config = config;
    this.containers = containers;
    this.records = records;
    this.life = life;
    this.upkeep = upkeep;
    this.removal = removal;
    this.view = view;
    this.surroundings = surroundings;
    this.locks = locks;
    this.waits = waits;
    this.tasks = tasks;
    this.shimProcesses = shimProcesses;
    this.clock = clock;
  }

  // --- removal

  void remove(NamedContainer container, boolean force, boolean volumes) {
    TaskKey key = container.key();
    if (life.isRunning(key)) {
      if (!force) {
        throw new BerthException.FailedPrecondition(
                "remove container `"
                    + container.name()
                    + "`: You cannot remove a running container "
                    + container.key().id()
                    + ". Stop the container before attempting removal or force remove")
            .with(
                Obstacle.of(
                    Obstacle.Reason.CONTAINER_RUNNING, Obstacle.Kind.CONTAINER, container.name()));
      }
      life.stop(container, 0, "SIGKILL");
    }
    upkeep.callOffStart(key);
    locks.with(
        key,
        () -> {
          NamedContainer now = containers.find(key);
          if (now == null) {
            if (container.isEphemeral()) {
              // It removed itself meanwhile.
              return null;
            }
            throw new BerthException.NotFound("No such container: " + container.name());
          }
          removal.remove(now, volumes);
          return null;
        });
  }

  PruneResponse prune(String namespace, List<String> filters) {
    ListFilters wanted = filters(namespace, filters);
    PruneResponse.Builder result = PruneResponse.newBuilder();
    for (NamedContainer container : containers.list(namespace)) {
      Container seen = view.of(container, /* size= */ false);
      State state = seen.getState().getState();
      boolean resting = state == State.STATE_EXITED || state == State.STATE_CREATED;
      if (resting && wanted.matches(seen)) {
        long size = size(seen);
        remove(container, /* force= */ false, /* volumes= */ false);
        result.addIds(container.key().id()).setBytes(result.getBytes() + size);
      }
    }
    return result.build();
  }

  private long size(Container container) {
    try {
      return container.getSnapshotKey().isEmpty()
          ? 0
          : surroundings
              .images()
              .size(
                  container.getNamespace(), container.getSnapshotter(), container.getSnapshotKey());
    } catch (BerthException.NotFound e) {
      return 0;
    }
  }

  // --- looking

  ListResponse list(String namespace, ListRequest request) {
    ListFilters wanted = filters(namespace, request.getFiltersList());
    boolean all = request.getAll() || request.getLast() > 0 || wanted.namesStates();
    ListResponse.Builder result = ListResponse.newBuilder();
    for (NamedContainer container : containers.list(namespace)) {
      if (request.getLast() > 0 && result.getContainersCount() == request.getLast()) {
        break;
      }
      Container seen = view.of(container, /* size= */ false);
      State state = seen.getState().getState();
      boolean lives =
          state == State.STATE_RUNNING
              || state == State.STATE_PAUSED
              || state == State.STATE_RESTARTING;
      if ((all || lives) && wanted.matches(seen)) {
        result.addContainers(request.getSize() ? view.of(container, true) : seen);
      }
    }
    return result.build();
  }

  private ListFilters filters(String namespace, List<String> filters) {
    return ListFilters.parse(
        filters,
        ref ->
            Timestamps.instant(containers.resolve(namespace, ref).described().getCreatedAt())
                .toString(),
        clock.instant());
  }

  /** Blocks until the condition holds. */
  WaitResponse await(NamedContainer container, String condition) throws InterruptedException {
    TaskKey key = container.key();
    Waits.Waiter waiter =
        switch (condition) {
          case "", "not-running", "next-exit" -> waits.forExit(key);
          case "removed" -> waits.forRemoval(key);
          default ->
              throw new BerthException.InvalidArgument(
                  "wait: there is no condition `"
                      + condition
                      + "`; write not-running, next-exit or removed");
        };
    try {
      boolean removed = condition.equals("removed");
      NamedContainer now = containers.find(key);
      if (now == null) {
        if (removed) {
          return ContainerLife.response(container.progress());
        }
        throw new BerthException.NotFound("No such container: " + container.name());
      }
      boolean wantsEnd = condition.isEmpty() || condition.equals("not-running");
      if (wantsEnd && !now.progress().running() && !upkeep.isRestarting(key)) {
        return ContainerLife.response(now.progress());
      }
      return waiter.answer().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("an end cannot fail", e);
    } finally {
      waits.forget(key, waiter);
    }
  }

  InfoResponse info(@Nullable String namespace) {
    InfoResponse.Builder info =
        InfoResponse.newBuilder()
            .setRoot(config.root().toString())
            .setState(config.state().toString())
            .setInstance(config.instance())
            .setIsolation(config.text(Key.SHIM_ISOLATION))
            .setCgroups(surroundings.hostFacts().cgroups().text())
            .setHostProcesses(shimProcesses.count())
            .setOverlayLayers(surroundings.overlays().answer().text())
            .setVersion(Program.VERSION);
    for (NamedContainer container : containers.list(namespace)) {
      info.setContainers(info.getContainers() + 1);
      switch (view.of(container, /* size= */ false).getState().getState()) {
        case STATE_RUNNING, STATE_RESTARTING -> info.setRunning(info.getRunning() + 1);
        case STATE_PAUSED -> info.setPaused(info.getPaused() + 1);
        default -> info.setStopped(info.getStopped() + 1);
      }
    }
    return info.build();
  }

  // --- changing

  void rename(NamedContainer container, String name) {
    String wanted = ContainerName.check(name);
    if (wanted.equals(container.name())) {
      throw new BerthException.InvalidArgument(
          "rename container `"
              + wanted
              + "`: Renaming a container with the same name as its current name");
    }
    var _ = containers.describe(container.key(), old -> old.toBuilder().setName(wanted).build());
  }

  /** New limits hold at once and at every later start; zero leaves alone. */
  UpdateResponse update(NamedContainer container, UpdateRequest request) {
    TaskKey key = container.key();
    HostConfig host = container.described().getHost();
    if (request.hasRestart()) {
      RestartRule.of(
          request.getRestart().getName(),
          request.getRestart().getMaximumRetries(),
          host.getAutoRemove());
    }
    Resources resources =
        ResourceRules.update(
            host.getResources(), request.getResources(), surroundings.hostFacts().processors());
    if (request.hasResources()) {
      byte[] limits = SpecJson.bytes(ResourceRules.runtime(resources));
      if (life.isRunning(key)) {
        tasks.update(key, limits);
      }
      store(key, limits);
    }
    var _ =
        containers.describe(
            key,
            old -> {
              HostConfig.Builder changed = old.getHost().toBuilder().setResources(resources);
              if (request.hasRestart()) {
                changed.setRestart(request.getRestart());
              }
              return old.toBuilder().setHost(changed).build();
            });
    return UpdateResponse.getDefaultInstance();
  }

  // The specification keeps what an update cannot name, such as rules for devices.
  private void store(TaskKey key, byte[] limits) {
    var record = records.get(key);
    ObjectNode spec =
        (ObjectNode) Json.tree(record.spec().getValue().toByteArray(), "specification");
    ObjectNode resources = spec.withObject("/linux").withObject("/resources");
    JsonNode changed = Json.tree(limits, "limits");
    changed.properties().forEach(entry -> resources.set(entry.getKey(), entry.getValue()));
    var _ =
        records.update(
            key.namespace(),
            record.withSpec(Anys.of(Anys.SPEC, ByteString.copyFrom(Json.bytes(spec)))),
            List.of("spec"));
  }
}
