package io.berth.shim.run;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.daemon.DelegatedUnit;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.linux.Fd;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Supervisor;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorListener;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.cgroup.CgroupPath;
import io.berth.shim.cgroup.SupervisorLeaf;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Starts supervisors, in the cgroup that is theirs. Safe for use by several threads. */
final class SupervisorSpawner implements AutoCloseable {
  private static final Logger LOG = System.getLogger(SupervisorSpawner.class.getName());
  private static final String PROGRAM_PROPERTY = "berth.supervisor";

  private final Config config;
  private final CgroupLayout cgroups;
  private final SupervisorClient client;
  private final @Nullable Fd readOnlyBinary;
  private final @Nullable SlimNamespace slim;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private @Nullable SupervisorLeaf leaf;

  /**
   * Where a supervisor lives.
   *
   * @param slim whether in the slim namespace, which there must be then
   * @param tied whether it ends with this process, and its container with it
   * @param cgroup the one that its client wants for it; null for the instance's
   */
  record Home(boolean slim, boolean tied, @Nullable CgroupPath cgroup) {}

  SupervisorSpawner(Config config, CgroupLayout cgroups, SupervisorClient client) {
    this.config = config;
    this.cgroups = cgroups;
    this.client = client;
    this.readOnlyBinary = readOnly(binary());
    this.slim = slim();
  }

  private static @Nullable SlimNamespace slim() {
    try {
      return SlimNamespace.make();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "supervisors stay in the machine''s mount namespace", e);
      return null;
    }
  }

  /** Whether supervisors can be given a mount namespace that has almost nothing mounted. */
  boolean hasSlimNamespace() {
    return slim != null;
  }

  /** The supervisor's binary. */
  Path binary() {
    String property = System.getProperty(PROGRAM_PROPERTY);
    return property != null
        ? Path.of(property)
        : config.libexec().resolve("bin").resolve("berth-supervisor");
  }

  /**
   * A mount of the binary alone, through which nobody can write: a container that reaches
   * /proc/PID/exe of a process that is still being made would otherwise hold the machine's file
   * (CVE-2019-5736).
   */
  private static @Nullable Fd readOnly(Path binary) {
    try {
      Fd mount = Mounts.cloneTree(binary, /* recursive= */ false);
      Mounts.setAttributes(
          mount,
          /* recursive= */ false,
          new Mounts.Attributes(
              MountFlags.MOUNT_ATTR_RDONLY, 0, MountFlags.MS_PRIVATE, /* userNamespace= */ null));
      return mount;
    } catch (SyscallException e) {
      LOG.log(Level.WARNING, "read-only mount of `{0}`: {1}", binary, e.getMessage());
      return null;
    }
  }

  /** A path of the binary that is valid as long as this process lives. */
  private String program() {
    return readOnlyBinary == null
        ? binary().toString()
        : "/proc/" + ProcessHandle.current().pid() + "/fd/" + readOnlyBinary.number();
  }

  /**
   * Starts one on a thread of its own, so that the caller can prepare meanwhile what it is to do.
   */
  CompletableFuture<Supervisor.Born> spawn(
      TaskKey key, TaskFolder folder, Home home, SupervisorListener listener) {
    CompletableFuture<CompletableFuture<Supervisor.Born>> coming = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("spawn")
        .start(() -> {
          CgroupPath wanted = home.cgroup;
          try (Fd taskFolder = Fd.open(folder.path(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
              SupervisorLeaf own =
                  wanted == null ? null : SupervisorLeaf.existing(cgroups, wanted)) {
            SupervisorLeaf leaf = own == null ? leaf() : own;
            coming.complete(
                Supervisor.spawn(
                    client,
                    new Supervisor.Birth(
                        program(),
                        taskFolder,
                        leaf.version2(),
                        leaf.tasks(),
                        home.slim && slim != null ? slim.fd() : null,
                        key.id(),
                        home.tied),
                    listener));
          } catch (IOException | RuntimeException e) {
            coming.completeExceptionally(e);
          }
        });
    return coming.thenCompose(born -> born);
  }

  /** The cgroup of supervisors; opened once, and again if somebody has removed it meanwhile. */
  private SupervisorLeaf leaf() throws IOException {
    lock.lock();
    try {
      SupervisorLeaf known = leaf;
      if (known != null && known.exists()) {
        return known;
      }
      DelegatedUnit.of(config).check();
      // The old one may be in use at this moment; its descriptors end with the process.
      SupervisorLeaf opened = SupervisorLeaf.open(cgroups, config.cgroupParent());
      leaf = opened;
      return opened;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (leaf != null) {
        leaf.close();
        leaf = null;
      }
    } finally {
      lock.unlock();
    }
    if (readOnlyBinary != null) {
      readOnlyBinary.close();
    }
    if (slim != null) {
      slim.close();
    }
  }
}
