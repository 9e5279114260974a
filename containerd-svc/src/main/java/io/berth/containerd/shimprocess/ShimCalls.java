package io.berth.containerd.shimprocess;

import com.google.protobuf.Any;
import io.berth.base.error.BerthException;
import io.berth.base.layout.Stdio;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls on one task's shim ({@code containerd.task.v3.Task}). All carry the same request number and
 * end within the same time, both chosen when this was made; a shim does a number once, however
 * often it comes. Each call blocks for the answer and throws the shim's failure, {@link
 * BerthException.Unavailable} if its process is gone. An exec id that is empty means the init.
 */
public interface ShimCalls {
  /** What the process is doing. */
  ProcessReport state(String execId);

  /** Lets a created process run; answers its pid. */
  int start(String execId);

  /**
   * How a deleted process had ended.
   *
   * @param exitedAt null if it never ran
   */
  record Deleted(int pid, int exitStatus, @Nullable Instant exitedAt) {}

  /** Removes a process that has stopped or was never started; with its init the task ends. */
  Deleted delete(String execId);

  /**
   * Adds a process.
   *
   * @param process its specification, or where the shim finds it
   */
  void exec(String execId, Stdio stdio, Any process);

  /** A signal for one process, or with {@code all} for every process of the container. */
  void kill(String execId, int signal, boolean all);

  /** Sets the size of a process's terminal, in characters. */
  void resize(String execId, int columns, int rows);

  /** Closes the process's stdin if {@code stdin} is set. */
  void closeIo(String execId, boolean stdin);

  /** Freezes all processes of the container. */
  void pause();

  /** Lets all processes of the container go on. */
  void resume();

  /** The processes in the container's cgroup. */
  List<CgroupProcess> pids();

  /**
   * Sets limits.
   *
   * @param resources a document of the runtime specification ({@code LinuxResources})
   */
  void update(Any resources, Map<String, String> annotations);

  /** What the container uses; a message of containerd's metrics. */
  Any stats();
}
