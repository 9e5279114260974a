package io.berth.image.diff;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.image.codec.ByteSource;
import io.berth.image.content.ContentStore;
import io.berth.image.snapshot.MountSpec;
import io.berth.image.unpack.AppliedLayer;
import io.berth.image.unpack.ImplicitDirectories;
import io.berth.image.unpack.LayerApplier;
import io.berth.image.unpack.LayerThreads;
import io.berth.linux.Errno;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.MediaTypes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Applies layers from the content store to snapshots. Thread-safe; a call blocks while the layer is
 * unpacked.
 */
@Singleton
public final class LayerReader {
  private final ContentStore content;
  private final LayerApplier applier;
  private final LayerThreads threads;

  @Inject
  public LayerReader(ContentStore content, LayerApplier applier, LayerThreads threads) {
    this.content = content;
    this.applier = applier;
    this.threads = threads;
  }

  /**
   * Applies a layer to the folder behind mounts. If it was empty, a refused layer leaves it empty.
   *
   * @return the plain tar: media type, digest, size
   */
  public Descriptor apply(String namespace, Descriptor layer, List<MountSpec> mounts) {
    if (!MediaTypes.isLayer(layer.mediaType())) {
      throw new BerthException.Unknown(
          "apply layer "
              + layer.digest()
              + ": no way to read media type \""
              + layer.mediaType()
              + "\"");
    }
    LayerTarget target = LayerTarget.writable(mounts);
    Digest digest = layer.checked();
    content.info(namespace, digest);
    AppliedLayer applied =
        threads.run(
            "apply",
            () -> {
              try (FileChannel file = content.open(namespace, digest)) {
                return apply(of(file), target);
              }
            });
    return Descriptor.of(MediaTypes.OCI_LAYER, applied.diffId(), applied.tarBytes());
  }

  /** A source of the bytes of a file, from its position on. */
  public static ByteSource of(FileChannel file) {
    return into -> file.read(into.asByteBuffer());
  }

  private AppliedLayer apply(ByteSource source, LayerTarget target) throws IOException {
    try (RootedFiles files = open(target.folder())) {
      boolean empty = files.list(".").isEmpty();
      try {
        AppliedLayer applied = applier.apply(source, files, target.layered());
        if (target.layered()) {
          settle(files, target.lower(), applied);
        }
        return applied;
      } catch (IOException | RuntimeException e) {
        if (empty) {
          clear(files, e);
        }
        throw e;
      }
    }
  }

  private static RootedFiles open(Path folder) throws SyscallException {
    try {
      return RootedFiles.open(folder, RootedFiles.Confinement.IN_ROOT);
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT)) {
        throw new BerthException.NotFound("apply layer to `" + folder + "`: no such folder", e);
      }
      throw e;
    }
  }

  private static void clear(RootedFiles files, Exception cause) {
    try {
      files.clear();
    } catch (SyscallException e) {
      cause.addSuppressed(e);
    }
  }

  /** Gives directories that the layer did not list what the layers below say of them. */
  static void settle(RootedFiles files, List<Path> lower, AppliedLayer applied)
      throws SyscallException {
    List<RootedFiles> open = new ArrayList<>();
    try {
      for (Path folder : lower) {
        open.add(RootedFiles.open(folder, RootedFiles.Confinement.IN_ROOT));
      }
      ImplicitDirectories.settle(files, open, applied);
    } finally {
      open.forEach(RootedFiles::close);
    }
  }
}
