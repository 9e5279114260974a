package io.berth.shim.run;

import io.berth.linux.Fd;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The mount namespace that supervisors live in. The machine's can have hundreds of mounts, all of
 * which each container's clone would copy, and a process in a copy keeps a file system busy that
 * was unmounted on the machine. This one has what the child of a supervisor needs until it has a
 * root of its own: procfs and sysfs in full, without which the kernel lets nobody mount them in a
 * user namespace, the null device, and a place for the root.
 */
final class SlimNamespace implements AutoCloseable {
  /** The folder on which a container's root is attached. */
  static final String ROOT_PLACE = "/container";

  private final Fd namespace;

  private SlimNamespace(Fd namespace) {
    this.namespace = namespace;
  }

  /**
   * Makes one, on a thread that ends with it.
   *
   * @throws IOException where the kernel refuses it, as with a root that cannot be left
   *     (pivot_root(2): that of an initramfs)
   */
  static SlimNamespace make() throws IOException {
    CompletableFuture<Fd> made = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("slim-mounts")
        .daemon()
        .start(() -> {
          try {
            made.complete(build());
          } catch (IOException | RuntimeException e) {
            made.completeExceptionally(e);
          }
        });
    try {
      return new SlimNamespace(made.join());
    } catch (CompletionException e) {
      throw new IOException("make a mount namespace for supervisors", e.getCause());
    }
  }

  /** The namespace. */
  Fd fd() {
    return namespace;
  }

  private static Fd build() throws IOException {
    Namespaces.unshare(Namespaces.Kind.MOUNT.flag());
    Mounts.mount(null, Path.of("/"), null, MountFlags.MS_REC | MountFlags.MS_PRIVATE, null);
    try (Fd top = emptyTree();
        Fd proc = Mounts.cloneTree(Path.of("/proc"), /* recursive= */ false);
        Fd sys = Mounts.cloneTree(Path.of("/sys"), /* recursive= */ false);
        Fd nullDevice = Mounts.cloneTree(Path.of("/dev/null"), /* recursive= */ false);
        Fd machine = Fd.open(Path.of("/"), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      Mounts.attach(top, Path.of("/"));
      Path inside = Path.of(top.procPath());
      Mounts.attach(proc, folder(inside.resolve("proc")));
      Mounts.attach(sys, folder(inside.resolve("sys")));
      Path devices = folder(inside.resolve("dev"));
      Mounts.attach(nullDevice, Files.createFile(devices.resolve("null")));
      folder(inside.resolve(ROOT_PLACE.substring(1)));
      Mounts.setAttributes(
          top, /* recursive= */ false, Mounts.Attributes.setting(MountFlags.MOUNT_ATTR_RDONLY));
      Fd namespace = Namespaces.openOwn(Namespaces.Kind.MOUNT);
      try {
        Namespaces.changeFolder(top);
        Mounts.pivotRoot(".", ".");
        // The old root lies above the new one now, and is reached by its descriptor only.
        Namespaces.changeFolder(machine);
        Mounts.unmount(Path.of("."), MountFlags.MNT_DETACH);
        return namespace;
      } catch (SyscallException | RuntimeException e) {
        namespace.close();
        throw e;
      }
    }
  }

  private static Fd emptyTree() throws SyscallException {
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs")) {
      return context
          .set("mode", "755")
          .set("nr_inodes", "16")
          .create()
          .mount(MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_NODEV);
    }
  }

  /** Makes a folder that everybody may pass, whatever the umask. */
  private static Path folder(Path path) throws IOException {
    Files.createDirectory(path);
    return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Override
  public void close() {
    namespace.close();
  }
}
