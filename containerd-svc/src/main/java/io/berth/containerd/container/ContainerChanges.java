package io.berth.containerd.container;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.Lifecycle;
import io.berth.containerd.settings.ResourceSettings;
import io.berth.containerd.settings.RestartPolicy;
import io.berth.containerd.spec.HostFacts;
import io.berth.containerd.spec.ResourceRules;
import io.berth.containerd.spec.SpecJson;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Changes what containers were asked to be. Thread-safe; changes are on disk at the return. */
@Singleton
public final class ContainerChanges {
  private final NamedContainers containers;
  private final ContainerRecords records;
  private final Surroundings surroundings;
  private final Tasks tasks;

  @Inject
  ContainerChanges(
      NamedContainers containers,
      ContainerRecords records,
      Surroundings surroundings,
      Tasks tasks) {
    this.containers = containers;
    this.records = records;
    this.surroundings = surroundings;
    this.tasks = tasks;
  }

  /** Gives the container another name. ALREADY_EXISTS, with the holder, if that is taken. */
  public void rename(NamedContainer container, String name) {
    String wanted = ContainerName.check(name);
    if (wanted.equals(container.name())) {
      throw new BerthException.InvalidArgument(
          "rename container `"
              + wanted
              + "`: Renaming a container with the same name as its current name");
    }
    NamedContainer renamed = containers.describe(container.key(), old -> old.withName(wanted));
    surroundings.chronicle().tell(renamed, "rename", Map.of("oldName", "/" + container.name()));
  }

  /**
   * Changes limits and policy, at once and for every later start.
   *
   * @param limits null to leave them alone; a limit of zero stays as it is
   * @param restart null to leave the policy alone
   * @return what the person should know, one line each
   */
  public List<String> update(
      NamedContainer container,
      @Nullable ResourceSettings limits,
      @Nullable RestartPolicy restart) {
    TaskKey key = container.key();
    HostSettings host = container.described().host();
    Lifecycle lifecycle =
        restart == null ? host.lifecycle() : host.lifecycle().withRestart(restart);
    var _ = lifecycle.rule();
    HostFacts facts = surroundings.hostFacts();
    List<String> warnings = new ArrayList<>();
    ResourceSettings changed =
        ResourceRules.update(
            host.resources(), limits == null ? ResourceSettings.NONE : limits, facts, warnings);
    if (limits != null) {
      byte[] json = SpecJson.bytes(ResourceRules.runtime(changed, facts.devices()));
      Tasks.Glance glance = tasks.glance(key);
      if (glance != null && glance.running()) {
        tasks.update(key, json);
      }
      store(key, json);
    }
    NamedContainer updated =
        containers.describe(
            key,
            old -> {
              HostSettings now = old.host().withResources(changed);
              return old.withHost(
                  restart == null ? now : now.withLifecycle(now.lifecycle().withRestart(restart)));
            });
    surroundings.chronicle().tell(updated, "update");
    return List.copyOf(warnings);
  }

  // The specification keeps what an update cannot name, such as rules for devices.
  private void store(TaskKey key, byte[] limits) {
    ContainerRecord record = records.get(key);
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
