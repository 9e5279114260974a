package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Mounts;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Handle;
import io.berth.linux.supervisor.LaunchPlan;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a plan needs open, opened until it has been carried out. Used by one thread. */
public final class Handles implements LaunchPlan.Descriptors, AutoCloseable {
  private final Map<Handle.Named, Fd> open = new HashMap<>();
  private final List<Fd> given;
  private final @Nullable Fd initProcess;

  /**
   * With what is open already; it stays the caller's.
   *
   * @param given mounts of the root, by their place
   */
  public Handles(List<Fd> given, @Nullable Fd initProcess) {
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
      case Handle.NamespaceFile(String path) -> keep(handle, namespace(path));
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
    };
  }

  /** One more descriptor of the same kind, for a step that uses it up. */
  @Override
  public Fd openAnother(Handle.Named handle) throws SyscallException {
    if (handle instanceof Handle.Clone(String path, boolean recursive)
        && open.containsKey(handle)) {
      Fd fd = Mounts.cloneTree(Path.of(path), recursive);
      open.put(new Handle.Clone(path + "#" + open.size(), recursive), fd);
      return fd;
    }
    return open(handle);
  }

  private static Fd namespace(String path) throws SyscallException {
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

  private Fd keep(Handle.Named handle, Fd fd) {
    open.put(handle, fd);
    return fd;
  }

  @Override
  public void close() {
    open.values().forEach(Fd::close);
    open.clear();
  }
}
