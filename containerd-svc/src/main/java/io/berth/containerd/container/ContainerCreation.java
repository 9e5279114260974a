package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.io.KernelThreads;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.Anys;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.log.LogDrivers;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.ContainerPaths;
import io.berth.containerd.settings.DescriptionCodec;
import io.berth.containerd.settings.FromImage;
import io.berth.containerd.settings.HealthSettings;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.NewContainer;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.containerd.settings.RootFilesystem;
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
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Leads from a person's request to a record with a name. A refused request leaves nothing: what was
 * made for it is taken back. Thread-safe; blocks for the database and for image-svc.
 */
@Singleton
public final class ContainerCreation {
  /** The name of this engine's own runtime, which is the one that containerd's clients expect. */
  private static final String RUNTIME = "io.containerd.runc.v2";

  private static final String STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";

  private final Surroundings surroundings;
  private final ContainerRecords records;
  private final NamedContainers containers;
  private final OtherContainers others;
  private final DescriptionCodec codec;
  private final BackgroundWork background;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final NameGenerator names = new NameGenerator(random);

  @Inject
  ContainerCreation(
      Surroundings surroundings,
      ContainerRecords records,
      NamedContainers containers,
      OtherContainers others,
      DescriptionCodec codec,
      BackgroundWork background,
      InstantSource clock) {
    this.surroundings = surroundings;
    this.records = records;
    this.containers = containers;
    this.others = others;
    this.codec = codec;
    this.background = background;
    this.clock = clock;
  }

  /**
   * A container that was made.
   *
   * @param id 64 hex digits, unless the client gave another one
   * @param name given or generated
   * @param warnings what the person should know, one line each
   */
  public record Created(String id, String name, List<String> warnings) {
    public Created {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Makes a container; nothing runs yet. ALREADY_EXISTS names the holder of the name.
   *
   * @param recording asked last for what is recorded with it; throws if nobody wants it any more,
   *     and nothing is left
   */
  Created create(String namespace, NewContainer request, Supplier<Progress> recording) {
    String id =
        request.id().isEmpty() ? ContainerId.generate(random) : Identifier.check(request.id());
    TaskKey key = new TaskKey(namespace, id);
    String wantedName = request.name().isEmpty() ? "" : ContainerName.check(request.name());
    if (!wantedName.isEmpty() && containers.isNameTaken(namespace, wantedName)) {
      // The last transaction finds that too, but by then root and volumes would have been made.
      containers.describeConflict(namespace, wantedName);
    }
    if (request.fromImage() != null && !request.id().isEmpty()) {
      // A root that exists already is another container's, and would be taken back by a refusal.
      throw new BerthException.InvalidArgument(
          "create container `" + id + "`: an id cannot be given for a root that is made here");
    }
    CreationUndo undo = new CreationUndo(key, surroundings.images(), containers, background);
    try {
      FromImage image = request.fromImage();
      return image == null
          ? create(key, wantedName, request, recording, undo)
          : createOn(image, key, wantedName, request, recording, undo);
    } catch (RuntimeException e) {
      undo.run(e);
      throw e;
    }
  }

  private Created createOn(
      FromImage image,
      TaskKey key,
      String wantedName,
      NewContainer request,
      Supplier<Progress> recording,
      CreationUndo undo) {
    ImageCalls.Prepared prepared = prepare(image, key, request, undo);
    undo.root(prepared.root());
    Created made =
        create(
            key,
            wantedName,
            request.on(
                prepared.image().isEmpty() ? image.ref() : prepared.image(),
                prepared.settings(),
                prepared.root(),
                prepared.user()),
            recording,
            undo);
    List<String> warnings = new ArrayList<>(prepared.warnings());
    warnings.addAll(made.warnings());
    return new Created(key.id(), made.name(), warnings);
  }

  private ImageCalls.Prepared prepare(
      FromImage image, TaskKey key, NewContainer request, CreationUndo undo) {
    try {
      return surroundings
          .images()
          .prepare(
              key,
              image,
              MountTable.mayCoverAccounts(request.host().storage())
                  ? null
                  : new ImageCalls.UserWish(
                      request.config().user(), request.host().privileges().groupAdd()),
              request.host().lifecycle().autoRemove());
    } catch (BerthException.Absent e) {
      // No answer: it may be there. A refusal by image-svc leaves nothing, and needs no call.
      undo.root(new RootFilesystem("", key.id(), ""));
      throw e;
    }
  }

  private Created create(
      TaskKey key,
      String wantedName,
      NewContainer request,
      Supplier<Progress> recording,
      CreationUndo undo) {
    String namespace = key.namespace();
    ContainerConfig merged =
        ConfigMerge.merge(request.config(), request.imageSettings(), ContainerCreation::isReserved);
    checkSignal(merged.stop().signal());
    HealthSettings health = request.config().health();
    if (health != null) {
      health.check();
    }
    NetworkWish asked = withDefaultMode(request.network());
    HostRules.Completed completed =
        HostRules.complete(merged, request.host(), asked, surroundings.hostFacts());
    NetworkWish network = others.linked(namespace, asked);
    ContainerConfig config = others.named(namespace, request.host(), network, merged);
    List<String> command = ConfigMerge.commandLine(config);
    boolean ofImage = !MountTable.mayCoverAccounts(request.host().storage());
    ResolvedUser early = ofImage ? user(namespace, request, config, List.of()) : ResolvedUser.ROOT;
    VolumeMaking volumes =
        new VolumeMaking(
            surroundings.images(), namespace, undo, () -> ContainerId.generate(random));
    HostSettings host = host(namespace, request, completed.host(), volumes);
    SpecGenerator generator = new SpecGenerator(surroundings.hostFacts());
    ContainerFacts facts = facts(key, host, volumes);
    SpecRequest wanted = new SpecRequest(config, host, network, request.imageSettings(), early);
    GeneratedSpec generated =
        generator.generate(
            ofImage
                ? wanted
                : wanted.as(
                    user(namespace, request, config, generator.mountsOverAccounts(wanted, facts))),
            facts);
    makeFolders(generated.foldersToMake());
    ContainerDescription described = described(key, request, config, host, network, command);
    byte[] spec = spec(generated, request.root().folder());
    String name =
        store(new NamedContainer(described, recording.get()), wantedName, record(described, spec));
    List<String> warnings = new ArrayList<>(completed.warnings());
    warnings.addAll(generated.warnings());
    warnings.addAll(resolverWarning(network, host));
    return new Created(key.id(), name, warnings);
  }

  private static List<String> resolverWarning(NetworkWish network, HostSettings host) {
    boolean needed =
        !network.isHost()
            && network.sharedWith() == null
            && !network.isNone()
            && host.names().servers().isEmpty();
    return needed && !ContainerFiles.isResolverReachable()
        ? List.of(
            "no name server of this host can be reached from a container: its resolv.conf names"
                + " only IPv6 or loopback addresses; names are not resolved without `--dns`")
        : List.of();
  }

  // An image must not set labels that steer this engine or the clients of containerd.
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

  private static NetworkWish withDefaultMode(NetworkWish network) {
    return network.mode().isEmpty() || network.mode().equals("default")
        ? network.withMode("bridge")
        : network;
  }

  /**
   * Who runs.
   *
   * @param mounts what lies over the files that tell it
   */
  private ResolvedUser user(
      String namespace,
      NewContainer request,
      ContainerConfig config,
      List<RuntimeSpec.Mount> mounts) {
    ResolvedUser resolved = request.user();
    if (resolved != null) {
      return resolved;
    }
    List<String> groups = request.host().privileges().groupAdd();
    // A root file system that is no image's has always had a superuser without further groups.
    return mounts.isEmpty()
            && request.imageSettings().id().isEmpty()
            && config.user().isEmpty()
            && groups.isEmpty()
        ? ResolvedUser.ROOT
        : surroundings
            .images()
            .user(
                namespace, request.root(), mounts, new ImageCalls.UserWish(config.user(), groups));
  }

  private HostSettings host(
      String namespace, NewContainer request, HostSettings completed, VolumeMaking volumes) {
    HostSettings taken =
        others.joining(
            namespace,
            completed.withStorage(others.withMountsOfOthers(namespace, completed.storage())));
    return taken.withStorage(
        volumes.make(taken.storage(), request.imageSettings(), request.root()));
  }

  private ContainerFacts facts(TaskKey key, HostSettings host, VolumeMaking volumes) {
    TaskFolder taskFolder = surroundings.taskFolder(key);
    return new ContainerFacts(
        key.id(),
        taskFolder.path(),
        surroundings.files(key).folder(),
        volumes.folders(),
        Map.of(
            "pid",
            taskFolder.link(TaskFolder.PID_NAMESPACE),
            "ipc",
            taskFolder.link(TaskFolder.IPC_NAMESPACE)),
        others.sharedMemory(key, host));
  }

  private ContainerDescription described(
      TaskKey key,
      NewContainer request,
      ContainerConfig config,
      HostSettings host,
      NetworkWish network,
      List<String> command) {
    ContainerFiles files = surroundings.files(key);
    return new ContainerDescription(
        key,
        "",
        config.image().isEmpty() ? request.image() : config.image(),
        request.imageSettings().id(),
        request.imageSettings().platform(),
        config,
        host,
        network,
        clock.instant(),
        command,
        network.isNone() ? NetworkEndpoint.ALONE : NetworkEndpoint.NONE,
        new ContainerPaths(
            LogDrivers.keepsFiles(host.log()) ? files.log().toString() : "",
            files.hosts().toString(),
            files.hostname().toString(),
            files.resolvConf().toString(),
            surroundings.taskFolder(key).path().toString()),
        new RootFilesystem(request.root().snapshotter(), request.root().snapshotKey(), ""));
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

  private ContainerRecord record(ContainerDescription described, byte[] spec) {
    Map<String, String> labels = new LinkedHashMap<>(described.config().labels());
    String signal = described.config().stop().signal();
    labels.put(STOP_SIGNAL_LABEL, signal.isEmpty() ? "SIGTERM" : signal);
    RootFilesystem root = described.root();
    return new ContainerRecord(
        described.key().id(),
        labels,
        described.image(),
        new ContainerRecord.Runtime(
            RUNTIME, codec.runtimeOptions(described.host().runtime().runtime())),
        Anys.of(Anys.SPEC, ByteString.copyFrom(spec)),
        root.isSnapshot()
            ? new ContainerRecord.Rootfs(root.snapshotter(), root.snapshotKey())
            : ContainerRecord.Rootfs.NONE,
        Map.of(),
        "",
        ContainerRecord.Times.NONE);
  }

  private String store(NamedContainer unnamed, String wantedName, ContainerRecord record) {
    if (!wantedName.isEmpty()) {
      insert(unnamed, wantedName, record);
      return wantedName;
    }
    TaskKey key = unnamed.key();
    AtomicReference<@Nullable String> stored = new AtomicReference<>();
    String name =
        names.generate(
            candidate -> {
              if (containers.isNameTaken(key.namespace(), candidate)) {
                return false;
              }
              insert(unnamed, candidate, record);
              stored.set(candidate);
              return true;
            },
            key.id());
    if (stored.get() == null) {
      insert(unnamed, name, record);
    }
    return name;
  }

  private void insert(NamedContainer unnamed, String name, ContainerRecord record) {
    NamedContainer container =
        new NamedContainer(unnamed.described().withName(name), unnamed.progress());
    var _ =
        records.create(
            container.key().namespace(),
            record,
            !container.isEphemeral(),
            containers.insertion(container));
    surroundings.chronicle().tell(container, "create");
  }

  private static void makeFolders(List<Path> folders) {
    for (Path folder : folders) {
      var _ = KernelThreads.call(() -> make(folder));
    }
  }

  private static Path make(Path folder) {
    try {
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new BerthException.InvalidArgument(
          "mount `" + folder + "`: cannot be made: " + e.getMessage(), e);
    }
  }
}
