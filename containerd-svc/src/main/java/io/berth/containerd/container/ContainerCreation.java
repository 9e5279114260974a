package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.volume.v1.Source;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.health.HealthCheck;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.spec.ConfigMerge;
import io.berth.containerd.spec.ContainerFacts;
import io.berth.containerd.spec.GeneratedSpec;
import io.berth.containerd.spec.HostRules;
import io.berth.containerd.spec.MountTable;
import io.berth.containerd.spec.SpecGenerator;
import io.berth.containerd.spec.SpecJson;
import io.berth.containerd.spec.SpecRequest;
import io.berth.linux.Signal;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * From a person's request to a record with a name. A refused request leaves nothing: what was made
 * for it is taken back.
 */
@Singleton
final class ContainerCreation {
  /** Ours: clients of containerd know it, and it means our own shim. */
  private static final String RUNTIME = "io.containerd.runc.v2";

  private static final String OTHERS = "container:";
  private static final String STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";

  private final Surroundings surroundings;
  private final ContainerRecords records;
  private final NamedContainers containers;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final NameGenerator names = new NameGenerator(random);

  @Inject
  ContainerCreation(
      Surroundings surroundings,
      ContainerRecords records,
      NamedContainers containers,
      InstantSource clock) {
    this.surroundings = surroundings;
    this.records = records;
    this.containers = containers;
    this.clock = clock;
  }

  /** What was made along the way, to be taken back if a later step fails. */
  private record Made(List<String> anonymousVolumes) {}

  CreateResponse create(String namespace, CreateRequest request) {
    if (!request.hasConfig()) {
      // Row MB-99, in docker's words.
      throw new BerthException.InvalidArgument(
          "Config cannot be empty in order to create a container");
    }
    String id =
        request.getId().isEmpty()
            ? ContainerId.generate(random)
            : Identifier.check(request.getId());
    TaskKey key = new TaskKey(namespace, id);
    String wantedName = request.getName().isEmpty() ? "" : ContainerName.check(request.getName());
    Config config =
        ConfigMerge.merge(
            request.getConfig(), request.getImageConfig(), ContainerCreation::isReserved);
    checkSignal(config.getStopSignal());
    HealthCheck.check(request.getConfig().getHealth());
    NetworkConfig network = request.getNetwork();
    if (network.getMode().isEmpty() || network.getMode().equals("default")) {
      network = network.toBuilder().setMode("bridge").build();
    }
    HostRules.Completed completed =
        HostRules.complete(config, request.getHost(), network, surroundings.hostFacts());
    network = linked(namespace, network);
    config = named(namespace, request.getHost(), network, config);
    List<String> command = ConfigMerge.commandLine(config);
    if (!wantedName.isEmpty() && containers.isNameTaken(namespace, wantedName)) {
      // The transaction below says it again, with the holder; this spares the volumes.
      containers.describeConflict(namespace, wantedName);
    }
    User user = user(namespace, request, config);
    Made made = new Made(new ArrayList<>());
    try {
      Map<String, Path> volumes = new LinkedHashMap<>();
      HostConfig taken = joining(namespace, withMountsOfOthers(namespace, completed.host()));
      HostConfig host = withVolumes(namespace, request, taken, volumes, made);
      ContainerFiles files = surroundings.files(key);
      TaskFolder taskFolder = surroundings.taskFolder(key);
      GeneratedSpec generated =
          new SpecGenerator(surroundings.hostFacts())
              .generate(
                  new SpecRequest(config, host, network, request.getImageConfig(), user),
                  new ContainerFacts(
                      id,
                      taskFolder.path(),
                      files.folder(),
                      volumes,
                      Map.of(
                          "pid",
                          taskFolder.link(TaskFolder.PID_NAMESPACE),
                          "ipc",
                          taskFolder.link(TaskFolder.IPC_NAMESPACE)),
                      sharedMemory(key, host)));
      makeFolders(generated.foldersToMake());
      Container described =
          described(key, request, config, host, network, command)
              .setLogPath(host.getLogDriver().equals("none") ? "" : files.log().toString())
              .setHostsPath(files.hosts().toString())
              .setHostnamePath(files.hostname().toString())
              .setResolvConfPath(files.resolvConf().toString())
              .setTaskFolder(taskFolder.path().toString())
              .build();
      byte[] spec = spec(generated, request.getRootfs());
      String name = store(key, described, wantedName, record(described, spec));
      List<String> warnings = new ArrayList<>(completed.warnings());
      warnings.addAll(generated.warnings());
      return CreateResponse.newBuilder().setId(id).setName(name).addAllWarnings(warnings).build();
    } catch (RuntimeException e) {
      takeBack(namespace, made, e);
      throw e;
    }
  }

  // An image must not set what steers us or containerd's clients.
  private static boolean isReserved(String label) {
    return label.startsWith("io.berth.")
        || label.startsWith("containerd.io/")
        || label.startsWith("io.containerd.")
        || label.startsWith("io.cri-containerd");
  }

  private static void checkSignal(String signal) {
    if (!signal.isEmpty() && Signal.parse(signal).isEmpty()) {
      throw new BerthException.InvalidArgument("stop signal `" + signal + "`: no such signal");
    }
  }

  // With another container's network comes its name: both have one address.
  private Config named(String namespace, HostConfig host, NetworkConfig network, Config config) {
    if (!network.getMode().startsWith(OTHERS) || host.getUtsMode().equals("host")) {
      return config;
    }
    NamedContainer other =
        containers.resolve(namespace, network.getMode().substring(OTHERS.length()));
    String own = other.described().getConfig().getHostname();
    return config.toBuilder()
        .setHostname(own.isEmpty() ? ContainerId.shortened(other.key().id()) : own)
        .build();
  }

  // Whoever is meant by a name now stays meant.
  private NetworkConfig linked(String namespace, NetworkConfig network) {
    NetworkConfig.Builder result = network.toBuilder().clearLinks();
    for (String link : network.getLinksList()) {
      int colon = link.indexOf(':');
      String ref = colon < 0 ? link : link.substring(0, colon);
      NamedContainer other = containers.resolve(namespace, ref);
      String alias = colon < 0 ? other.name() : link.substring(colon + 1);
      if (!alias.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
        throw new BerthException.InvalidArgument(
            "link `" + link + "`: its alias cannot be a host name; write NAME:ALIAS");
      }
      if (!other.described().getNetwork().getMode().equals(network.getMode())) {
        throw new BerthException.InvalidArgument(
            "link `" + link + "`: container `" + ref + "` is on another network");
      }
      result.addLinks(other.key().id() + ":" + alias);
    }
    return result.build();
  }

  private HostConfig joining(String namespace, HostConfig host) {
    if (!host.getIpcMode().startsWith(OTHERS)) {
      return host;
    }
    String ref = host.getIpcMode().substring(OTHERS.length());
    NamedContainer other = containers.resolve(namespace, ref);
    if (!other.described().getHost().getIpcMode().equals("shareable")) {
      throw new BerthException.FailedPrecondition(
          "ipc mode `"
              + host.getIpcMode()
              + "`: container `"
              + ref
              + "` does not share its own; make that one with ipc mode shareable");
    }
    return host.toBuilder().setIpcMode(OTHERS + other.key().id()).build();
  }

  private @Nullable Path sharedMemory(TaskKey key, HostConfig host) {
    String mode = host.getIpcMode();
    if (mode.equals("shareable")) {
      return surroundings.files(key).sharedMemory();
    }
    return mode.startsWith(OTHERS)
        ? surroundings
            .files(new TaskKey(key.namespace(), mode.substring(OTHERS.length())))
            .sharedMemory()
        : null;
  }

  // Row MB-65. Where a person mounts something else, nothing is taken over.
  private HostConfig withMountsOfOthers(String namespace, HostConfig host) {
    Map<String, Mount> taken = new LinkedHashMap<>();
    for (String wish : host.getVolumesFromList()) {
      int colon = wish.lastIndexOf(':');
      String mode = colon < 0 ? "rw" : wish.substring(colon + 1);
      if (!mode.equals("rw") && !mode.equals("ro")) {
        throw new BerthException.InvalidArgument(
            "volumes from `" + wish + "`: write CONTAINER, CONTAINER:ro or CONTAINER:rw");
      }
      String ref = colon < 0 ? wish : wish.substring(0, colon);
      for (Mount mount : containers.resolve(namespace, ref).described().getHost().getMountsList()) {
        if (!mount.getType().equals("tmpfs")) {
          boolean readOnly = mount.getReadOnly() || mode.equals("ro");
          taken.put(mount.getTarget(), mount.toBuilder().setReadOnly(readOnly).build());
        }
      }
    }
    host.getMountsList().forEach(own -> taken.remove(own.getTarget()));
    return host.toBuilder().addAllMounts(taken.values()).build();
  }

  private User user(String namespace, CreateRequest request, Config config) {
    boolean plain = config.getUser().isEmpty() && request.getHost().getGroupAddCount() == 0;
    if (request.hasUser() || plain) {
      return request.getUser();
    }
    return surroundings
        .images()
        .user(
            namespace,
            LookUpUserRequest.newBuilder()
                .setSnapshotter(request.getSnapshotter())
                .setKey(request.getSnapshotKey())
                .setRootfs(request.getRootfs())
                .setUser(config.getUser())
                .addAllGroups(request.getHost().getGroupAddList())
                .build());
  }

  // Every volume gets its name, so that the same one is used at each start and shown to people.
  private HostConfig withVolumes(
      String namespace,
      CreateRequest request,
      HostConfig host,
      Map<String, Path> paths,
      Made made) {
    Map<String, String> nameByTarget = new LinkedHashMap<>();
    Set<String> withoutCopy =
        host.getMountsList().stream()
            .filter(mount -> mount.getOptionsList().contains("nocopy"))
            .map(mount -> Path.of(mount.getTarget()).normalize().toString())
            .collect(Collectors.toSet());
    for (MountTable.Volume wanted : MountTable.volumesOf(host, request.getImageConfig())) {
      Volume volume =
          withoutCopy.contains(wanted.target())
              ? surroundings.images().volume(namespace, wanted.name())
              : surroundings
                  .images()
                  .volume(
                      namespace,
                      wanted.name(),
                      Source.newBuilder()
                          .setSnapshotter(request.getSnapshotter())
                          .setSnapshotKey(request.getSnapshotKey())
                          .setRootfs(request.getRootfs())
                          .setPath(wanted.target())
                          .build());
      if (wanted.name().isEmpty()) {
        made.anonymousVolumes().add(volume.getName());
      }
      paths.put(wanted.target(), Path.of(volume.getPath()));
      nameByTarget.put(wanted.target(), volume.getName());
    }
    HostConfig.Builder result = host.toBuilder().clearMounts();
    for (Mount mount : host.getMountsList()) {
      String name =
          mount.getType().equals("volume") && mount.getSource().isEmpty()
              ? nameByTarget.get(mount.getTarget())
              : null;
      result.addMounts(name == null ? mount : mount.toBuilder().setSource(name).build());
      nameByTarget.remove(mount.getTarget());
    }
    nameByTarget.forEach((target, name) ->
        result.addMounts(Mount.newBuilder().setType("volume").setSource(name).setTarget(target)));
    return result.build();
  }

  private Container.Builder described(
      TaskKey key,
      CreateRequest request,
      Config config,
      HostConfig host,
      NetworkConfig network,
      List<String> command) {
    return Container.newBuilder()
        .setId(key.id())
        .setNamespace(key.namespace())
        .setImage(config.getImage().isEmpty() ? request.getImage() : config.getImage())
        .setImageId(request.getImageConfig().getId())
        .setPlatform(request.getImageConfig().getPlatform())
        .setConfig(config)
        .setHost(host)
        .setNetwork(network)
        .setCreatedAt(Timestamps.of(clock.instant()))
        .setPath(command.getFirst())
        .addAllArgs(command.subList(1, command.size()))
        .setSnapshotter(request.getSnapshotter())
        .setSnapshotKey(request.getSnapshotKey());
  }

  private static byte[] spec(GeneratedSpec generated, String rootfs) {
    if (rootfs.isEmpty()) {
      return generated.json();
    }
    if (!rootfs.startsWith("/")) {
      throw new BerthException.InvalidArgument("rootfs `" + rootfs + "`: must be an absolute path");
    }
    RuntimeSpec spec = generated.spec();
    RuntimeSpec.Root root = spec.root();
    return SpecJson.bytes(
        new RuntimeSpec(
            spec.ociVersion(),
            spec.process(),
            new RuntimeSpec.Root(rootfs, root != null && root.readonly()),
            spec.hostname(),
            spec.domainname(),
            spec.mounts(),
            spec.hooks(),
            spec.annotations(),
            spec.linux()));
  }

  private static ContainerRecord record(Container described, byte[] spec) {
    Map<String, String> labels = new LinkedHashMap<>(described.getConfig().getLabelsMap());
    String signal = described.getConfig().getStopSignal();
    labels.put(STOP_SIGNAL_LABEL, signal.isEmpty() ? "SIGTERM" : signal);
    return new ContainerRecord(
        described.getId(),
        labels,
        described.getImage(),
        new ContainerRecord.Runtime(
            RUNTIME,
            Anys.pack(
                Options.newBuilder().setBinaryName(described.getHost().getRuntime()).build())),
        Anys.of(Anys.SPEC, ByteString.copyFrom(spec)),
        described.getSnapshotKey().isEmpty()
            ? ContainerRecord.Rootfs.NONE
            : new ContainerRecord.Rootfs(described.getSnapshotter(), described.getSnapshotKey()),
        Map.of(),
        "",
        ContainerRecord.Times.NONE);
  }

  private String store(
      TaskKey key, Container described, String wantedName, ContainerRecord record) {
    if (!wantedName.isEmpty()) {
      insert(key, described, wantedName, record);
      return wantedName;
    }
    AtomicReference<@Nullable String> stored = new AtomicReference<>();
    String name =
        names.generate(
            candidate -> {
              if (containers.isNameTaken(key.namespace(), candidate)) {
                return false;
              }
              insert(key, described, candidate, record);
              stored.set(candidate);
              return true;
            },
            key.id());
    if (stored.get() == null) {
      insert(key, described, name, record);
    }
    return name;
  }

  private void insert(TaskKey key, Container described, String name, ContainerRecord record) {
    NamedContainer container =
        new NamedContainer(key, described.toBuilder().setName(name).build(), Progress.NEW);
    Instant createdAt = Timestamps.instant(described.getCreatedAt());
    var _ =
        records.create(
            key.namespace(),
            record,
            !container.isEphemeral(),
            containers.insertion(container, Progress.nanos(createdAt)));
  }

  private static void makeFolders(List<Path> folders) {
    for (Path folder : folders) {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new BerthException.InvalidArgument(
            "mount `" + folder + "`: cannot be made: " + e.getMessage(), e);
      }
    }
  }

  private void takeBack(String namespace, Made made, RuntimeException cause) {
    for (String volume : made.anonymousVolumes()) {
      try {
        surroundings.images().removeVolume(namespace, volume);
      } catch (BerthException e) {
        cause.addSuppressed(e);
      }
    }
  }
}
