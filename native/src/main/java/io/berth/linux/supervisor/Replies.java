package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import io.berth.linux.supervisor.SupervisorConnection.Hello;
import io.berth.linux.supervisor.SupervisorConnection.HookResult;
import io.berth.linux.supervisor.SupervisorConnection.Launched;
import io.berth.linux.supervisor.SupervisorConnection.Phase;
import io.berth.linux.supervisor.SupervisorConnection.ProcessState;
import io.berth.linux.supervisor.SupervisorConnection.State;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * Reads a supervisor's answers. One that is shorter than its kind ends in a CompletionException
 * that is caused by an IOException, and its descriptors are closed.
 */
final class Replies {
  private Replies() {}

  static Hello hello(PacketChannel.Packet packet) {
    return read(
        packet,
        in -> {
          int version = in.u16();
          Phase phase = Phase.of(in.u16());
          int pid = in.u32();
          long epoch = in.u64();
          int initPid = in.u32();
          List<Fd> fds = packet.descriptors();
          return new Hello(
              version,
              phase,
              pid,
              epoch,
              initPid,
              fds.isEmpty() ? null : fds.get(0),
              fds.size() < 2 ? null : fds.get(1));
        });
  }

  static Launched launched(PacketChannel.Packet packet) {
    return read(
        packet,
        in -> {
          int pid = in.u32();
          int stop = in.u32();
          List<Fd> fds = packet.descriptors();
          return new Launched(pid, stop, fds.isEmpty() ? null : fds.getFirst());
        });
  }

  static State state(PacketChannel.Packet packet) {
    return read(packet, Replies::readState);
  }

  private static State readState(WireReader in) throws IOException {
    Phase phase = Phase.of(in.u16());
    int count = in.u16();
    in.u32();
    long epoch = in.u64();
    long dropped = in.u64();
    List<ProcessState> processes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int pid = in.u32();
      Phase of = Phase.of(in.u16());
      ExitRecord.How how = ExitRecord.how(in.u16());
      int code = in.u32();
      int flags = in.u32();
      long exitedAt = in.u64();
      boolean acknowledged = (flags & Protocol.PROCESS_ACKED) != 0;
      processes.add(
          new ProcessState(
              in.text(),
              pid,
              of,
              (flags & Protocol.PROCESS_TERMINAL) != 0,
              (flags & Protocol.PROCESS_DRAINED) != 0,
              exitedAt == 0
                  ? null
                  : new ProcessState.Exit(how, code, ExitRecord.instant(exitedAt), acknowledged)));
    }
    return new State(phase, epoch, dropped, processes);
  }

  static HookResult hook(PacketChannel.Packet packet) {
    return read(packet, Replies::readHook);
  }

  private static HookResult readHook(WireReader in) throws IOException {
    ExitRecord.How how = ExitRecord.how(in.u16());
    boolean timedOut = in.u16() != 0;
    int code = in.u32();
    return new HookResult(how, code, timedOut, in.text());
  }

  private interface Parser<T> {
    T parse(WireReader in) throws IOException;
  }

  private static <T> T read(PacketChannel.Packet packet, Parser<T> parser) {
    try {
      return parser.parse(new WireReader(packet.payload()));
    } catch (IOException e) {
      packet.closeDescriptors();
      throw new CompletionException(e);
    }
  }
}
