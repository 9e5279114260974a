package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Mounts;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.SpawnPlan;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Handle;
import java.nio.file.Path;

/**
 * Detached mounts with ids mapped (mount_setattr(2), {@code MOUNT_ATTR_IDMAP}). The kernel takes a
 * map only as that of a user namespace, so there is one that nobody lives in: a process that makes
 * it is started, is given its maps from outside, and ends as soon as a descriptor holds it.
 *
 * @param program the supervisor's binary, which such a process is
 * @param poller waits for its end
 */
public record MappedMounts(Path program, Poller poller) {
  /** A copy of what is mounted there. */
  Fd mount(Handle.MappedClone wanted) throws SyscallException {
    Fd mount = Mounts.cloneTree(Path.of(wanted.path()), wanted.recursive());
    return mapped(mount, wanted.path(), wanted.map(), wanted.everywhere());
  }

  /** A new file system. */
  Fd mount(Handle.MappedTmpfs wanted) throws SyscallException {
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs")) {
      for (String word : wanted.data().split(",", -1)) {
        int equals = word.indexOf('=');
        if (equals >= 0) {
          context.set(word.substring(0, equals), word.substring(equals + 1));
        } else if (!word.isEmpty()) {
          context.set(word);
        }
      }
      return mapped(context.create().mount(0), "tmpfs", wanted.map(), /* everywhere= */ false);
    }
  }

  private Fd mapped(Fd mount, String source, Handle.IdMap map, boolean everywhere)
      throws SyscallException {
    boolean done = false;
    try (Fd users =
        switch (map) {
          case Handle.IdMap.Maps maps -> namespace(maps);
          case Handle.IdMap.OfNamespace(String path) -> Handles.namespace(path);
        }) {
      set(mount, source, everywhere, users);
      done = true;
      return mount;
    } finally {
      if (!done) {
        mount.close();
      }
    }
  }

  private static void set(Fd mount, String source, boolean everywhere, Fd users) {
    try {
      Mounts.setAttributes(mount, everywhere, Mounts.Attributes.mapped(users));
    } catch (SyscallException e) {
      String why =
          switch (e.errno()) {
            case EINVAL -> "the file system cannot do that";
            case EPERM -> "they are mapped already, or only its owner may do that";
            case Errno errno -> errno.text();
          };
      throw new BerthException.FailedPrecondition(
              "mount of `" + source + "` with ids mapped: " + why, e)
          .with(new LaunchFailure(LaunchFailure.Kind.MOUNT_REFUSED, source, e.errno()));
    }
  }

  /** A new user namespace with these maps. */
  private Fd namespace(Handle.IdMap.Maps maps) throws SyscallException {
    try (Fd.Pipe input = Fd.pipe(0);
        Fd.Pipe output = Fd.pipe(0)) {
      Processes.Child child =
          Processes.spawn(
              SpawnPlan.of(program.toString())
                  .arguments("userns")
                  .descriptor(0, input.readEnd())
                  .descriptor(1, output.writeEnd()));
      var _ = Processes.exit(child.pidfd(), poller).whenComplete((_, _) -> child.close());
      output.writeEnd().close();
      if (output.readEnd().read(new byte[1], 0, 1) != 1) {
        throw new BerthException.FailedPrecondition(
            "mount with ids mapped: no user namespace can be made for it; see user_namespaces(7)");
      }
      write(child.pid(), "uid_map", maps.uids());
      write(child.pid(), "gid_map", maps.gids());
      return Namespaces.open(child.pid(), Namespaces.Kind.USER);
    }
  }

  private static void write(int pid, String file, String map) throws SyscallException {
    Path path = Path.of("/proc", Integer.toString(pid), file);
    try (Fd fd = Fd.open(path, OpenFlags.O_WRONLY)) {
      fd.writeOnce(map);
    } catch (SyscallException e) {
      throw new BerthException.InvalidArgument(
          "mount with ids mapped: map `" + map.strip() + "`: " + e.errno().text(), e);
    }
  }
}
