package io.berth.image.library;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.image.codec.ByteSource;
import io.berth.image.content.ContentStore;
import io.berth.image.disk.DiskUsage;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.MountSpec;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.unpack.AppliedLayer;
import io.berth.image.unpack.ImplicitDirectories;
import io.berth.image.unpack.LayerApplier;
import io.berth.image.unpack.LayerThreads;
import io.berth.linux.RootedFiles;
import io.berth.oci.image.ChainId;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageConfig;
import io.berth.oci.image.Manifest;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes the stack of snapshots of an image. Layers are unpacked side by side into folders of their
 * own; in the order of the chain each is then settled on those below it, moved into place and
 * recorded. Thread-safe; one stack is made at a time.
 */
@Singleton
public final class Unpacker {
  private final ImagePaths paths;
  private final ContentStore content;
  private final Snapshots snapshots;
  private final TrashBin trash;
  private final LayerApplier applier;
  private final LayerThreads threads;

  /** Names of an earlier life of this service may be taken still. */
  private final String life = UUID.randomUUID().toString();

  private final AtomicLong next = new AtomicLong();
  private final ReentrantLock stacking = new ReentrantLock();

  @Inject
  public Unpacker(
      ImagePaths paths,
      ContentStore content,
      Snapshots snapshots,
      TrashBin trash,
      LayerApplier applier,
      LayerThreads threads) {
    this.paths = paths;
    this.content = content;
    this.snapshots = snapshots;
    this.trash = trash;
    this.applier = applier;
    this.threads = threads;
  }

  /**
   * Takes away what an earlier process left half done. To be called before the first layer is
   * unpacked.
   */
  public void start() throws IOException {
    try (var left = Files.newDirectoryStream(paths.unpacking())) {
      for (Path folder : left) {
        trash.take(folder);
      }
    }
  }

  /**
   * Says where to unpack, and for whom.
   *
   * @param lease keeps the new snapshots
   */
  public record Work(
      String namespace,
      String snapshotter,
      String lease,
      Metadata.Durability durability,
      ProgressListener progress) {}

  /** A place for layers that are unpacked while they come. */
  public ReadyLayers ready() {
    return new ReadyLayers(this);
  }

  /** Digests of the layers that {@link #unpack} would unpack and {@link ReadyLayers} can bring. */
  public Set<String> missing(Work work, Manifest manifest, ImageConfig config) {
    Set<String> missing = new HashSet<>();
    if (snapshots.isLayered(work.snapshotter)) {
      List<String> chain = ChainId.all(config.rootfs().diffIds());
      for (int i = 0; i < chain.size(); i++) {
        if (!has(work, chain.get(i))) {
          missing.add(manifest.layers().get(i).digest());
        }
      }
    }
    return missing;
  }

  /** Unpacks an image as the other method does, without layers that are ready. */
  public String unpack(Work work, Manifest manifest, ImageConfig config) {
    try (ReadyLayers none = ready()) {
      return unpack(work, manifest, config, none);
    }
  }

  /**
   * Unpacks what is missing; all layers must be in the content store. Answers the name of the
   * stack.
   *
   * @param ready takes from it what is there
   */
  public String unpack(Work work, Manifest manifest, ImageConfig config, ReadyLayers ready) {
    config.checkLayers(manifest.layers().size());
    List<String> diffIds = config.rootfs().diffIds();
    List<String> chain = ChainId.all(diffIds);
    String top = ChainId.of(diffIds);
    if (chain.isEmpty()) {
      return top;
    }
    if (!has(work, top)) {
      stacking.lock();
      try {
        stack(work, manifest, diffIds, chain, ready);
      } finally {
        stacking.unlock();
      }
    }
    String label = "containerd.io/gc.ref.snapshot." + work.snapshotter;
    Digest configDigest = manifest.config().checked();
    if (!top.equals(content.info(work.namespace, configDigest).labels().get(label))) {
      content.update(work.namespace, configDigest, Map.of(label, top), List.of("labels." + label));
    }
    return top;
  }

  private boolean has(Work work, String name) {
    return snapshots.find(new Snapshots.Key(work.namespace, work.snapshotter, name)) != null;
  }

  private void stack(
      Work work, Manifest manifest, List<String> diffIds, List<String> chain, ReadyLayers ready) {
    int first = 0;
    while (first < chain.size() && has(work, chain.get(first))) {
      first++;
    }
    if (!snapshots.isLayered(work.snapshotter)) {
      for (int i = first; i < chain.size(); i++) {
        stackCopied(
            work,
            manifest.layers().get(i),
            i == 0 ? "" : chain.get(i - 1),
            chain.get(i),
            diffIds.get(i));
      }
      return;
    }
    List<CompletableFuture<UnpackedLayer>> layers = new ArrayList<>();
    for (int i = first; i < chain.size(); i++) {
      Descriptor layer = manifest.layers().get(i);
      UnpackedLayer there = ready.take(layer.digest());
      layers.add(
          there == null
              ? start(() -> extract(work, layer))
              : CompletableFuture.completedFuture(there));
    }
    try {
      for (int i = first; i < chain.size(); i++) {
        UnpackedLayer layer = layers.get(i - first).join();
        check(manifest.layers().get(i), layer.applied, diffIds.get(i));
        adopt(work, layer, i == 0 ? "" : chain.get(i - 1), chain.get(i));
        work.progress.step(ProgressListener.part(manifest.layers().get(i).digest()), "done", 0, 0);
      }
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException known
          ? known
          : new BerthException.Internal("unpack: " + e.getCause(), e);
    } finally {
      layers.forEach(this::discard);
    }
  }

  private static <T> CompletableFuture<T> start(java.util.function.Supplier<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("layer")
        .start(() -> {
          try {
            result.complete(work.get());
          } catch (RuntimeException | Error e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  /**
   * A layer that is unpacked in a folder of its own, and not yet in any stack.
   *
   * @param folder holds the files
   */
  public record UnpackedLayer(Path folder, AppliedLayer applied, DiskUsage usage) {}

  private UnpackedLayer extract(Work work, Descriptor layer) {
    return threads.run(
        "unpack",
        () -> {
          work.progress.step(ProgressListener.part(layer.digest()), "unpacking", 0, layer.size());
          try (FileChannel file = content.open(work.namespace, layer.checked())) {
            return extract(counted(file, work, layer));
          }
        });
  }

  private static ByteSource counted(FileChannel file, Work work, Descriptor layer) {
    long[] told = new long[2];
    return into -> {
      int count = file.read(into.asByteBuffer());
      told[0] += Math.max(0, count);
      if (told[0] - told[1] > 4 << 20) {
        told[1] = told[0];
        work.progress.step(
            ProgressListener.part(layer.digest()), "unpacking", told[0], layer.size());
      }
      return count;
    };
  }

  private String nextName() {
    return life + "." + next.incrementAndGet();
  }

  /** Unpacks a layer whose place in a stack is not known yet. To be called on a platform thread. */
  public UnpackedLayer extract(ByteSource source) throws IOException {
    Path folder = paths.unpacking().resolve(nextName());
    Files.createDirectory(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    boolean done = false;
    try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.IN_ROOT)) {
      AppliedLayer applied = applier.apply(source, files, /* isolated= */ true);
      DiskUsage usage = DiskUsage.of(folder);
      done = true;
      return new UnpackedLayer(folder, applied, usage);
    } finally {
      if (!done) {
        trash.take(folder);
      }
    }
  }

  private static void check(Descriptor layer, AppliedLayer applied, String diffId) {
    if (!applied.diffId().toString().equals(diffId)) {
      throw new BerthException.InvalidArgument(
          "unpack layer "
              + layer.digest()
              + ": its content has the digest "
              + applied.diffId()
              + ", but the image's configuration says "
              + diffId);
    }
  }

  private void adopt(Work work, UnpackedLayer layer, String parent, String name) {
    Snapshots.Key key = new Snapshots.Key(work.namespace, work.snapshotter, name);
    try {
      settle(work, layer, parent);
      snapshots.adopt(key, parent, layer.folder, layer.usage, work.lease, work.durability);
    } catch (BerthException.AlreadyExists e) {
      // A client has unpacked the same layer meanwhile.
      return;
    } catch (IOException e) {
      throw new BerthException.Internal("unpack: " + e.getMessage(), e);
    }
  }

  /** Records a layer that stands alone as the lowest of a stack; what is there already stays. */
  public void adopt(Work work, UnpackedLayer layer) throws IOException {
    try {
      if (snapshots.isLayered(work.snapshotter)) {
        adopt(work, layer, "", layer.applied.diffId().toString());
      }
    } finally {
      trash.take(layer.folder);
    }
  }

  /**
   * Puts a layer that this service made onto a stack; one of that name that is there already stays.
   */
  void stack(Work work, ByteSource tar, String parent, String name) throws IOException {
    UnpackedLayer layer = threads.run("unpack", () -> extract(tar));
    try {
      adopt(work, layer, parent, name);
    } finally {
      trash.take(layer.folder);
    }
  }

  private void settle(Work work, UnpackedLayer layer, String parent) throws IOException {
    List<RootedFiles> lower = new ArrayList<>();
    try (RootedFiles files = RootedFiles.open(layer.folder, RootedFiles.Confinement.IN_ROOT)) {
      if (!parent.isEmpty()) {
        for (Path folder :
            snapshots.folders(new Snapshots.Key(work.namespace, work.snapshotter, parent))) {
          lower.add(RootedFiles.open(folder, RootedFiles.Confinement.IN_ROOT));
        }
      }
      ImplicitDirectories.settle(files, lower, layer.applied);
    } finally {
      lower.forEach(RootedFiles::close);
    }
  }

  private void discard(CompletableFuture<UnpackedLayer> layer) {
    @Nullable UnpackedLayer left;
    try {
      left = layer.join();
    } catch (CompletionException e) {
      return;
    }
    discard(left);
  }

  /** Throws a layer away that stands in no stack; what a stack has taken stays. */
  public void discard(UnpackedLayer layer) {
    try {
      trash.take(layer.folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void stackCopied(Work work, Descriptor layer, String parent, String name, String diffId) {
    Snapshots.Key key =
        new Snapshots.Key(work.namespace, work.snapshotter, "unpack-" + nextName() + " " + name);
    MountSpec mount = snapshots.prepare(key, parent, Map.of(), work.lease);
    boolean committed = false;
    try {
      AppliedLayer applied =
          threads.run(
              "unpack",
              () -> {
                try (FileChannel file = content.open(work.namespace, layer.checked());
                    RootedFiles files =
                        RootedFiles.open(
                            Path.of(mount.source()), RootedFiles.Confinement.IN_ROOT)) {
                  return applier.apply(counted(file, work, layer), files, /* isolated= */ false);
                }
              });
      check(layer, applied, diffId);
      snapshots.commit(key, name, "", Map.of(), work.lease, work.durability);
      committed = true;
    } finally {
      if (!committed) {
        snapshots.remove(key, work.lease, Metadata.Durability.LAZY);
      }
    }
  }
}
