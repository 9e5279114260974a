package io.berth.image.library;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import io.berth.base.tar.TarEntry;
import io.berth.base.tar.TarWriter;
import io.berth.image.codec.ByteSource;
import io.berth.image.content.ContentStore;
import io.berth.image.lease.Leases;
import io.berth.image.lease.WorkLease;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.tree.MergedTree;
import io.berth.linux.FileTimestamp;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The layer between an image and its containers: the mount points and small files that every
 * container has, whatever the image brings. What is in it is neither a change of a container nor a
 * part of a commit. It depends on the image's layers only, so it is made once for each stack, and
 * goes with the image. Thread-safe.
 *
 * <p>A snapshotter that copies has none: a copy of the image for each image would cost more than it
 * brings.
 */
@Singleton
public final class InitLayer {
  /** The beginning of the layer's name, with the version of its content. */
  private static final String PREFIX = "berth-init-1 ";

  private static final FileTimestamp BEGINNING = new FileTimestamp(0, 0);

  private static final List<TarEntry> ENTRIES =
      List.of(
          folder("dev"),
          folder("dev/pts"),
          folder("dev/shm"),
          file("dev/console", 0600),
          folder("proc"),
          folder("sys"),
          folder("etc"),
          file("etc/hostname", 0644),
          file("etc/hosts", 0644),
          file("etc/resolv.conf", 0644),
          new TarEntry(
              "etc/mtab",
              TarEntry.Type.SYMBOLIC_LINK,
              0777,
              0,
              0,
              0,
              BEGINNING,
              "/proc/mounts",
              0,
              0,
              Map.of()),
          file(".dockerenv", 0755));

  private final Unpacker unpacker;
  private final Snapshots snapshots;
  private final ContentStore content;
  private final Leases leases;

  @Inject
  public InitLayer(Unpacker unpacker, Snapshots snapshots, ContentStore content, Leases leases) {
    this.unpacker = unpacker;
    this.snapshots = snapshots;
    this.content = content;
    this.leases = leases;
  }

  private static TarEntry folder(String name) {
    return TarEntry.directory(name, 0755, BEGINNING);
  }

  private static TarEntry file(String name, int mode) {
    return TarEntry.file(name, mode, 0, BEGINNING);
  }

  /** Whether a container's snapshot with this parent stands on that stack. */
  public static boolean standsOn(String parent, String chainId) {
    return chainOf(parent).equals(chainId);
  }

  /** The stack that a snapshot with this parent stands on. */
  static String chainOf(String parent) {
    return parent.startsWith(PREFIX) ? parent.substring(PREFIX.length()) : parent;
  }

  /**
   * The name of the snapshot that is to be the parent of a container's; it is made if it is
   * missing. The image must be unpacked. Waits for the disk.
   */
  public String over(String namespace, String snapshotter, ResolvedImage image) {
    String chainId = image.chainId();
    if (!snapshots.isLayered(snapshotter)) {
      return chainId;
    }
    String name = PREFIX + chainId;
    if (snapshots.find(new Snapshots.Key(namespace, snapshotter, name)) == null) {
      make(namespace, snapshotter, image, name);
    }
    return name;
  }

  private void make(String namespace, String snapshotter, ResolvedImage image, String name) {
    String chainId = image.chainId();
    try (WorkLease lease = WorkLease.take(leases, namespace, "init")) {
      byte[] tar = missing(new Snapshots.Key(namespace, snapshotter, chainId));
      unpacker.stack(
          new Unpacker.Work(
              namespace,
              snapshotter,
              lease.id(),
              Metadata.Durability.DURABLE,
              ProgressListener.SILENT),
          ByteSource.of(tar),
          chainId,
          name);
      String label = "containerd.io/gc.ref.snapshot." + snapshotter + "/init";
      content.update(
          namespace, Digest.of(image.id()), Map.of(label, name), List.of("labels." + label));
    } catch (IOException e) {
      throw new BerthException.Internal("make the first layer of containers: " + e.getMessage(), e);
    }
  }

  private byte[] missing(Snapshots.Key stack) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TarWriter tar = new TarWriter(bytes);
    if (stack.key().isEmpty()) {
      for (TarEntry entry : ENTRIES) {
        tar.file(entry, new byte[0]);
      }
    } else {
      try (MergedTree image = MergedTree.open(snapshots.folders(stack), /* layered= */ true)) {
        for (TarEntry entry : ENTRIES) {
          if (!has(image, entry)) {
            tar.file(entry, new byte[0]);
          }
        }
      }
    }
    tar.finish();
    return bytes.toByteArray();
  }

  // No link is followed, and none counts as what it leads to: where the image has one, the layer
  // replaces it.
  private static boolean has(MergedTree image, TarEntry entry) throws IOException {
    MergedTree.@Nullable Node node = image.root();
    for (String part : entry.name().split("/", -1)) {
      if (node == null || !node.status().isDirectory()) {
        return false;
      }
      node = image.child(node, part);
    }
    if (node == null) {
      return false;
    }
    return switch (entry.type()) {
      case DIRECTORY -> node.status().isDirectory();
      case SYMBOLIC_LINK ->
          node.status().isDirectory()
              || (node.status().isSymbolicLink() && image.readLink(node).equals(entry.linkName()));
      default -> !node.status().isSymbolicLink();
    };
  }
}
