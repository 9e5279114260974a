package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Processes;
import io.berth.linux.Sockets;
import io.berth.linux.SpawnPlan;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Starts supervisors. */
public final class Supervisor {
  private static final int FIRST_FREE = 5;
  private static final int MAX_WORDS = 4096;

  private Supervisor() {}

  /**
   * What a supervisor is born with. The descriptors are borrowed until {@link #spawn} returns.
   *
   * @param program the path of the binary
   * @param taskFolder the directory in which it binds its socket and writes exit records
   * @param cgroup2 the leaf of version 2 in which it is born; null to stay where this process is
   * @param cgroup1Tasks the {@code tasks} files of the leaves of version 1 to which it moves
   * @param mountNamespace the namespace that it joins as its first act; null to stay in this one
   * @param name the name that ps shows
   * @param tied whether it ends soon after its last controller has gone, with all that lives in it
   */
  public record Birth(
      String program,
      Fd taskFolder,
      @Nullable Fd cgroup2,
      List<Fd> cgroup1Tasks,
      @Nullable Fd mountNamespace,
      String name,
      boolean tied) {
    public Birth {
      cgroup1Tasks = List.copyOf(cgroup1Tasks);
    }
  }

  /** A supervisor that has just been born, and its answer to the first greeting. */
  public record Born(SupervisorConnection connection, SupervisorConnection.Hello hello) {}

  /**
   * Starts one, and greets it as its first controller. What it says in vain before it can be
   * greeted (one line) is the failure's text.
   *
   * @throws SyscallException if not even its first process could be started
   */
  public static CompletableFuture<Born> spawn(
      SupervisorClient client, Birth birth, SupervisorListener listener) throws SyscallException {
    Fd.Pipe words = Fd.pipe(0);
    try (Sockets.Pair pair = Sockets.pair(Sockets.Kind.SEQPACKET)) {
      SpawnPlan plan =
          SpawnPlan.of(birth.program)
              .arguments("supervise")
              .descriptor(2, words.writeEnd())
              .descriptor(3, pair.right())
              .descriptor(4, birth.taskFolder)
              .newSession();
      addArguments(plan, birth);
      Processes.Child stage0 = Processes.spawn(plan);
      words.writeEnd().close();
      CompletableFuture<Processes.ExitStatus> ended =
          Processes.exit(stage0.pidfd(), client.poller());
      Fd ours = Fd.adopt(pair.left().release(), "supervisor of " + birth.taskFolder.what());
      SupervisorConnection connection = client.adopt(ours, listener);
      CompletableFuture<SupervisorConnection.Hello> hello = connection.hello(0);
      return ended
          .thenCompose(exit -> {
            if (exit.signalled() || exit.code() != 0) {
              throw new CompletionException(failure(birth, exit, words.readEnd()));
            }
            return hello;
          })
          .thenApply(answer -> new Born(connection, answer))
          .whenComplete((_, failed) -> {
            stage0.close();
            words.readEnd().close();
            if (failed != null) {
              connection.close();
            }
          });
    } catch (SyscallException | RuntimeException e) {
      words.close();
      throw e;
    }
  }

  private static void addArguments(SpawnPlan plan, Birth birth) {
    int number = FIRST_FREE;
    if (birth.cgroup2 != null) {
      plan.arguments("cgroup2=" + number).descriptor(number++, birth.cgroup2);
    }
    List<String> tasks = new ArrayList<>();
    for (Fd fd : birth.cgroup1Tasks) {
      tasks.add(Integer.toString(number));
      plan.descriptor(number++, fd);
    }
    if (!tasks.isEmpty()) {
      plan.arguments("cgroup1=" + String.join(",", tasks));
    }
    if (birth.mountNamespace != null) {
      plan.arguments("mntns=" + number).descriptor(number, birth.mountNamespace);
    }
    if (birth.tied) {
      plan.arguments("tied=1");
    }
    plan.arguments("name=" + birth.name);
  }

  private static IOException failure(Birth birth, Processes.ExitStatus exit, Fd words) {
    return new IOException(
        "start supervisor `" + birth.taskFolder.what() + "`: " + said(exit, words));
  }

  /**
   * The one line that a program said, or how it ended. Never waits, for a grandchild could hold the
   * pipe open.
   */
  private static String said(Processes.ExitStatus exit, Fd words) {
    try {
      words.setNonBlocking(true);
      byte[] line = new byte[MAX_WORDS];
      int count = words.read(line, 0, line.length);
      String text = new String(line, 0, count, StandardCharsets.UTF_8).strip();
      if (!text.isEmpty()) {
        return text;
      }
    } catch (SyscallException e) {
      if (!e.is(Errno.EAGAIN)) {
        return e.getMessage();
      }
    }
    return exit.signalled() ? "killed by signal " + exit.code() : "exit code " + exit.code();
  }
}
