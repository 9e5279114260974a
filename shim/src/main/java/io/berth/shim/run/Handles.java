package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.Mounts;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.LaunchPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a plan needs open, opened until it has been carried out. Used by one thread. */
public final class Handles implements LaunchPlan.Descriptors, AutoCloseable {
  private final Map<Handle.Named, Fd> open = new HashMap<>();

  /** What is for one step alone. */
  private final List<Fd> usedUp = new ArrayList<>();

  private final MappedMounts mappings;
  private final List<Fd> given;
  private final @Nullable Fd initProcess;

  /**
   * With what is open already; it stays the caller's.
   *
   * @param given mounts of the root, by their place
   * @param mappings makes those with ids mapped
   */
  public Handles(List<Fd> given, @Nullable Fd initProcess, MappedMounts mappings) {
    this.mappings = mappings;
    this.given = given;
    this.initProcess = initProcess;
  }

  /**
   * The descriptor; a detached mount can be attached only once, so each of its steps gets one of
   * its own.
   */
  @Override
  public Fd open(Handle.Named handle) throws SyscallException {
    Fd known = open.get(handle);
    if (known != null) {
      return known;
    }
    return switch (handle) {
      case Handle.GivenMount(int index) -> given.get(index);
      case Handle.InitProcess() -> {
        if (initProcess == null) {
          throw new IllegalStateException("a plan without init asks for it");
        }
        yield initProcess;
      }
      case Handle.NamespaceFile(String path) -> keep(handle, joinable(namespace(path), path));
      case Handle.HostProc() ->
          keep(handle, Fd.open(Path.of("/proc"), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY));
      case Handle.CgroupTasks(String folder) ->
          keep(handle, Fd.open(Path.of(folder, "tasks"), OpenFlags.O_WRONLY));
      case Handle.Cgroup2(String folder) ->
          keep(handle, Fd.open(Path.of(folder), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY));
      case Handle.OomCounter(String file) ->
          keep(handle, Fd.open(Path.of(file), OpenFlags.O_RDONLY));
      case Handle.Clone(String path, boolean recursive) ->
          keep(handle, Mounts.cloneTree(Path.of(path), recursive));
      case Handle.MappedClone mapped -> keep(handle, mappings.mount(mapped));
      case Handle.MappedTmpfs mapped -> keep(handle, mappings.mount(mapped));
    };
  }

  /** One more descriptor of the same kind, for a step that uses it up. */
  @Override
  public Fd openAnother(Handle.Named handle) throws SyscallException {
    Fd own =
        switch (handle) {
          case Handle.Clone(String path, boolean recursive) ->
              Mounts.cloneTree(Path.of(path), recursive);
          case Handle.MappedClone mapped -> mappings.mount(mapped);
          case Handle.MappedTmpfs mapped -> mappings.mount(mapped);
          case Handle.Named _ -> null;
        };
    if (own != null) {
      usedUp.add(own);
      return own;
    }
    return open(handle);
  }

  static Fd namespace(String path) throws SyscallException {
    try {
      return Fd.open(Path.of(path), OpenFlags.O_RDONLY);
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT)) {
        throw new BerthException.InvalidArgument(
            "namespace `" + path + "`: no such file or directory", e);
      }
      throw e;
    }
  }

  /** Who joins the machine's mount namespace would change the root of everything there. */
  private static Fd joinable(Fd namespace, String path) throws SyscallException {
    try {
      FileStatus joined = FileStatus.of(Path.of("/proc/self/fd/" + namespace.number()));
      FileStatus own = FileStatus.of(Path.of("/proc/self/ns/mnt"));
      if (joined.inode() == own.inode() && joined.device().equals(own.device())) {
        throw new BerthException.InvalidArgument(
            "mount namespace `"
                + path
                + "`: it is the machine's own, whose root cannot become a container's; leave the"
                + " path out for a new one");
      }
      return namespace;
    } catch (SyscallException | RuntimeException e) {
      namespace.close();
      throw e;
    }
  }

  private Fd keep(Handle.Named handle, Fd fd) {
    open.put(handle, fd);
    return fd;
  }

  @Override
  public void close() {
    usedUp.forEach(Fd::close);
    usedUp.clear();
    open.values().forEach(Fd::close);
    open.clear();
  }
}
