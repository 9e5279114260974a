package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes steps as C reads them, each on a multiple of 8 bytes, and collects the descriptors that
 * they refer to by an index. Used by one thread, for one plan.
 */
final class StepEncoder {
  private static final int ALIGNMENT = 8;

  private final WireWriter out;
  private final LaunchPlan.Descriptors files;
  private final LaunchPlan.Sinks streams;
  private final List<Fd> descriptors = new ArrayList<>();

  StepEncoder(WireWriter out, LaunchPlan.Descriptors files, LaunchPlan.Sinks streams) {
    this.out = out;
    this.files = files;
    this.streams = streams;
  }

  /** The table of descriptors, as far as steps have been added. */
  List<Fd> descriptors() {
    return descriptors;
  }

  void add(Step step) throws IOException {
    out.align(ALIGNMENT);
    int start = out.length();
    switch (step) {
      case Step.AroundClone s -> add(s);
      case Step.Mounting s -> add(s);
      case Step.Setting s -> add(s);
      case Step.Becoming s -> add(s);
    }
    out.putU32(start + 4, out.length() - start - Protocol.PLAN_STEP_SIZE);
  }

  private void add(Step.AroundClone step) throws IOException {
    switch (step) {
      case Step.Id s -> head(Protocol.STEP_ID).text(s.execId());
      case Step.Terminal s -> head(Protocol.STEP_TERMINAL).u16(s.rows()).u16(s.columns()).u32(0);
      case Step.Sink s -> sink(s.stream(), s.to());
      case Step.Join s -> head(Protocol.STEP_JOIN).u32(s.type()).u32(index(s.namespace()));
      case Step.IdMaps s ->
          head(Protocol.STEP_ID_MAPS)
              .u32(s.denySetgroups() ? 1 : 0)
              .u32(0)
              .text(s.uidMap())
              .text(s.gidMap());
      case Step.Cgroup2 s -> head(Protocol.STEP_CGROUP2).u32(index(s.folder()));
      case Step.ProcWrite s ->
          head(Protocol.STEP_PROC_WRITE).u32(index(s.proc())).u32(0).text(s.file()).text(s.value());
      case Step.OomCounter s -> head(Protocol.STEP_OOM_COUNTER).u32(index(s.file()));
      case Step.TimeOffsets s -> head(Protocol.STEP_TIME_OFFSETS).text(s.offsets());
      case Step.JoinProcess s ->
          head(Protocol.STEP_JOIN_PIDFD).u32(index(s.process())).u32(s.types());
      case Step.Listener s ->
          head(Protocol.STEP_LISTENER)
              .text(s.path())
              .text(s.before())
              .text(s.between())
              .text(s.after());
    }
  }

  private void add(Step.Mounting step) throws IOException {
    switch (step) {
      case Step.Propagation s -> head(Protocol.STEP_PROPAGATION).u64(s.flags()).text(s.path());
      case Step.Root s -> head(Protocol.STEP_ROOT).u32(own(s.mount())).u32(0).text(s.path());
      case Step.Mount s ->
          head(s.copyUp() ? Protocol.STEP_COPY_UP : Protocol.STEP_MOUNT)
              .u64(s.attributes())
              .u64(s.propagation())
              .u32(s.flags())
              .u32(s.mode())
              .text(s.type())
              .text(s.source())
              .text(s.target())
              .text(s.data());
      case Step.Bind s ->
          head(Protocol.STEP_BIND)
              .u64(s.set())
              .u64(s.clear())
              .u64(s.propagation())
              .u32(s.flags())
              .u32(own(s.mount()))
              .text(s.target());
      case Step.Attributes s ->
          head(Protocol.STEP_ATTRIBUTES)
              .u64(s.set())
              .u64(s.clear())
              .u64(s.propagation())
              .u32(s.flags())
              .u32(0)
              .text(s.target());
      case Step.ReadOnly s -> head(Protocol.STEP_READ_ONLY).text(s.target());
      case Step.Mask s -> head(Protocol.STEP_MASK).u32(index(s.nullDevice())).text(s.target());
      case Step.MakeNode s ->
          head(Protocol.STEP_MAKE_NODE)
              .u32(s.mode())
              .u32(s.major())
              .u32(s.minor())
              .u32(s.uid())
              .u32(s.gid())
              .u32(0)
              .text(s.target());
      case Step.Symlink s -> head(Protocol.STEP_SYMLINK).text(s.content()).text(s.target());
      case Step.MakeFolder s -> head(Protocol.STEP_MAKE_FOLDER).u32(s.mode()).text(s.target());
      case Step.Pivot s ->
          head(Protocol.STEP_PIVOT)
              .u32(s.moveAndChroot() ? Protocol.PIVOT_MOVE_CHROOT : Protocol.PIVOT_ROOT);
    }
  }

  private void add(Step.Setting step) throws IOException {
    switch (step) {
      case Step.Cgroup1 s -> head(Protocol.STEP_CGROUP1).u32(index(s.tasks()));
      case Step.Unshare s -> head(Protocol.STEP_UNSHARE).u32(s.types());
      case Step.Hostname s -> head(Protocol.STEP_HOSTNAME).text(s.name());
      case Step.Domainname s -> head(Protocol.STEP_DOMAINNAME).text(s.name());
      case Step.LoopbackUp _ -> head(Protocol.STEP_LOOPBACK_UP);
      case Step.ResourceLimit s ->
          head(Protocol.STEP_RLIMIT).u32(s.resource()).u32(0).u64(s.soft()).u64(s.hard());
      case Step.Sysctl s -> head(Protocol.STEP_SYSCTL).text(s.path()).text(s.value());
      case Step.OomScore s -> head(Protocol.STEP_OOM_SCORE).u32(s.adjustment());
      case Step.Scheduler s ->
          head(Protocol.STEP_SCHEDULER)
              .u32(s.policy())
              .u32(s.nice())
              .u32(s.priority())
              .u32(0)
              .u64(s.flags())
              .u64(s.runtime())
              .u64(s.deadline())
              .u64(s.period());
      case Step.IoPriority s -> head(Protocol.STEP_IO_PRIORITY).u32(s.value());
      case Step.Personality s -> head(Protocol.STEP_PERSONALITY).u32(s.value());
      case Step.Keyring s -> head(Protocol.STEP_KEYRING, Protocol.STEP_OPTIONAL).text(s.name());
      case Step.Affinity s -> head(Protocol.STEP_AFFINITY).text(s.cpus());
      case Step.MemoryPolicy s ->
          head(Protocol.STEP_MEMORY_POLICY).u32(s.mode()).u32(s.flags()).text(s.nodes());
    }
  }

  private void add(Step.Becoming step) {
    switch (step) {
      case Step.Console s ->
          head(Protocol.STEP_CONSOLE)
              .u32(s.uid())
              .u32(s.bindDevConsole() ? Protocol.CONSOLE_BIND_DEV_CONSOLE : 0);
      case Step.Stdio s -> head(Protocol.STEP_STDIO).u32(s.uid()).u32(s.gid());
      case Step.NoNewPrivileges _ -> head(Protocol.STEP_NO_NEW_PRIVS);
      case Step.Seccomp(Step.Filter filter) ->
          head(Protocol.STEP_SECCOMP)
              .u32(filter.flags())
              .u32(filter.program().length / Step.Filter.INSTRUCTION_BYTES)
              .bytes(filter.program());
      case Step.CapabilityBounding s -> head(Protocol.STEP_CAP_BOUNDING).u64(s.set());
      case Step.Capabilities s ->
          head(Protocol.STEP_CAPS)
              .u64(s.effective())
              .u64(s.permitted())
              .u64(s.inheritable())
              .u64(s.ambient());
      case Step.KeepCapabilities s -> head(Protocol.STEP_KEEP_CAPS).u32(s.on() ? 1 : 0);
      case Step.User s -> {
        WireWriter user = head(Protocol.STEP_USER).u32(s.uid()).u32(s.gid());
        user.u32(s.groups().size()).u32(0);
        s.groups().forEach(user::u32);
      }
      // The first number would ask for the folder to be made when it is absent.
      case Step.WorkingDirectory s -> head(Protocol.STEP_CWD).u32(0).u32(0).text(s.path());
      case Step.LookUp s -> head(Protocol.STEP_LOOK_UP).text(s.program()).text(s.searchPath());
      case Step.Stop s -> head(Protocol.STEP_STOP).u32(s.number());
      case Step.Ready _ -> head(Protocol.STEP_READY);
      case Step.RunHook s -> s.hook().encode(head(Protocol.STEP_HOOK));
      case Step.Umask s -> head(Protocol.STEP_UMASK).u32(s.mask());
      case Step.AppArmor s -> head(Protocol.STEP_APPARMOR).text(s.profile());
      case Step.SeLinux s -> head(Protocol.STEP_SELINUX).text(s.label());
      case Step.Execute s ->
          head(Protocol.STEP_EXEC)
              .u32(s.arguments().size())
              .u32(s.environment().size())
              .texts(s.arguments())
              .texts(s.environment());
    }
  }

  private void sink(int stream, Sink to) throws IOException {
    int none = Protocol.NO_FD;
    switch (to) {
      case Sink.Named named -> sink(stream, streams.open(stream, named));
      case Sink.Null() -> sink(stream, Protocol.SINK_NULL, none, none).u64(0).u64(0).text("");
      case Sink.Fifo(Fd fd, Fd writeEnd) -> {
        int read = index(fd);
        int write = writeEnd == null ? none : index(writeEnd);
        sink(stream, Protocol.SINK_FIFO, read, write).u64(0).u64(0).text("");
      }
      case Sink.File(Fd fd) ->
          sink(stream, Protocol.SINK_FILE, index(fd), none).u64(0).u64(0).text("");
      case Sink.Log(Fd folder, String file, long size, int files) ->
          sink(stream, Protocol.SINK_LOG, index(folder), none)
              .u64(size)
              .u32(files)
              .u32(0)
              .text(file);
      case Sink.Open() -> sink(stream, Protocol.SINK_OPEN, none, none).u64(0).u64(0).text("");
      case Sink.Pipe(Fd fd) ->
          sink(stream, Protocol.SINK_PIPE, index(fd), none).u64(0).u64(0).text("");
    }
  }

  private WireWriter sink(int stream, int kind, int fd, int secondFd) {
    return head(Protocol.STEP_SINK).u32(stream).u32(kind).u32(fd).u32(secondFd);
  }

  private WireWriter head(int code) {
    return head(code, 0);
  }

  /** Begins a step, which {@link #add} completes with the length of what follows. */
  private WireWriter head(int code, int flags) {
    return out.u16(code).u16(flags).u32(0);
  }

  private int index(Handle handle) throws IOException {
    return switch (handle) {
      case Handle.Open(Fd fd) -> index(fd);
      case Handle.Named named -> index(files.open(named));
    };
  }

  /** The index of a mount that the step uses up. */
  private int own(@Nullable Handle handle) throws IOException {
    return switch (handle) {
      case null -> Protocol.NO_FD;
      case Handle.Open(Fd fd) -> index(fd);
      case Handle.Named named -> index(files.openAnother(named));
    };
  }

  /** The index of a descriptor; one that is in the table already is not taken twice. */
  private int index(Fd fd) {
    for (int i = 0; i < descriptors.size(); i++) {
      if (descriptors.get(i).number() == fd.number()) {
        return i;
      }
    }
    descriptors.add(fd);
    return descriptors.size() - 1;
  }
}
