package io.berth.shim.run;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.layout.Stdio;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.shim.stdio.StreamUris;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The processes that were added to a container, each with a record in the task's folder from its
 * addition to its deletion. Safe for use by several threads.
 */
public final class TaskExecs {
  /** As long as a client may come for its output, and some more. */
  private static final Duration PROMISE = Duration.ofSeconds(75);

  private static final int MAX_PROCESS_BYTES = 8 << 20;

  private final ContainerTask task;
  private final Map<String, ContainerProcess> processes = new ConcurrentHashMap<>();

  TaskExecs(ContainerTask task) {
    this.task = task;
  }

  /** All that were added and not deleted. */
  public List<ContainerProcess> all() {
    return List.copyOf(processes.values());
  }

  @Nullable ContainerProcess find(String execId) {
    return processes.get(execId);
  }

  /** The id of the exec whose first process has this number; empty if it is none's. */
  String idOfRunning(int pid) {
    for (ContainerProcess exec : processes.values()) {
      if (exec.pid() == pid && !exec.isOver()) {
        return exec.id();
      }
    }
    return "";
  }

  /**
   * Adds a process; it is started by {@link TaskCommands#start}.
   *
   * @param process its specification as the client sent it
   * @throws BerthException.InvalidArgument for an id, streams or a specification that cannot be
   *     read
   */
  public void add(String execId, Stdio stdio, JsonNode process) throws IOException {
    Identifier.check(execId);
    task.lock().lock();
    try {
      if (task.isPaused() || task.init().isOver()) {
        throw new BerthException.Unknown(
            "cannot exec in a " + task.stateWord() + " state: task `" + task.record().id() + "`");
      }
      if (processes.containsKey(execId)) {
        throw new BerthException.AlreadyExists("exec `" + execId + "`");
      }
      ExecRecord exec = new ExecRecord(execId, stdio, process);
      // What cannot be read is refused now rather than at its start.
      var _ = exec.spec();
      var _ = StreamUris.of(stdio);
      exec.write(task.folder());
      processes.put(execId, ContainerProcess.exec(exec));
    } finally {
      task.lock().unlock();
    }
  }

  /**
   * The specification of a process that came by file; the file is removed.
   *
   * @throws BerthException.InvalidArgument if there is none, or it is longer than a plan may be
   */
  public byte[] takeProcess(String execId) throws IOException {
    Identifier.check(execId);
    Path file = task.folder().process(execId);
    try (Fd fd = Fd.open(file, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW)) {
      byte[] process = fd.readAll(MAX_PROCESS_BYTES);
      Files.deleteIfExists(file);
      return process;
    } catch (SyscallException e) {
      throw new BerthException.InvalidArgument(
          "exec `" + execId + "`: read `" + file + "`: " + e.errno().text(), e);
    }
  }

  /** Enters a process that another shim process added. */
  void restore(ContainerProcess exec) {
    processes.put(exec.id(), exec);
  }

  /**
   * Removes an exec that is not running; answers how it ended. Waits until its output has gone to
   * whomever it was promised to, for 75 s at most.
   */
  public ContainerProcess.Ended delete(String execId) throws IOException {
    ContainerProcess process = task.process(execId);
    if (process.endedOrNull() != null) {
      TaskDeletion.awaitClients(task, List.of(process), PROMISE);
    }
    process.lock().lock();
    try {
      if (process.isRunning()) {
        throw new BerthException.Unknown("cannot delete a running process");
      }
      ContainerProcess.Ended ended = process.endedOrNull();
      Supervision supervision = task.supervision();
      if (ended != null && supervision != null && supervision.connection().isOpen()) {
        TaskDeletion.drain(task, process);
        supervision.acknowledge(execId);
      }
      Files.deleteIfExists(task.folder().exec(execId));
      processes.remove(execId);
      process.isDeleted();
      task.services().happenings().acknowledge(task.key(), execId);
      return ended == null
          ? new ContainerProcess.Ended(
              0, Instant.EPOCH, /* outOfMemory= */ false, /* unknown= */ false)
          : ended;
    } finally {
      process.lock().unlock();
    }
  }
}
