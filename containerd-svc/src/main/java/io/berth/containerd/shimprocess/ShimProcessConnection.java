package io.berth.containerd.shimprocess;

import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskIntent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls on a shim process ({@code berth.host.v1.Host}) over its own socket. Each call blocks for
 * the answer and throws the failure that was answered; {@link BerthException.Unavailable} when the
 * process is gone. Thread-safe.
 */
public interface ShimProcessConnection extends AutoCloseable {
  /** Connects to shim processes. */
  @FunctionalInterface
  interface Connector {
    /** Never blocks: a socket that nobody listens on fails the calls. */
    ShimProcessConnection connect(Path socket);
  }

  /**
   * What a shim process says of itself.
   *
   * @param namespace empty before its first placement
   * @param ids the tasks whose shims it has
   * @param build which build of the programs it runs
   */
  record Status(
      int pid,
      String namespace,
      List<String> ids,
      boolean warmedUp,
      boolean draining,
      String build) {
    public Status {
      ids = List.copyOf(ids);
    }
  }

  /** Asks for its status. */
  Status status(Duration patience);

  /** Has it run a container of its own once; a second time does nothing. */
  void warmUp(Duration patience);

  /** Has it end by itself once it has no shim; best effort, does not wait for an answer. */
  void drain();

  /**
   * Has it make a shim for a task and create the task in the same call; answers the init's pid.
   *
   * @param requestId 16 hex digits; the same number makes the task once
   */
  int place(
      TaskFolder folder,
      TaskIntent intent,
      @Nullable AttachToken attach,
      String requestId,
      Duration patience);

  /**
   * Has it take over a task whose supervisor lives.
   *
   * @throws BerthException.NotFound if there is neither a supervisor nor a record of an exit
   * @throws BerthException.AlreadyExists if it has the task's shim already
   */
  void adopt(TaskKey key, TaskFolder folder, Duration patience);

  /**
   * Has the making of a task fail that is under way, and with that the call of {@link #place},
   * which answers once nothing is left. Nothing happens if the task is made already.
   */
  void giveUp(TaskKey key, Duration patience);

  /** Has it close a task's shim; the container does not notice. */
  void letGo(TaskKey key, Duration patience);

  /** Tells it that an exit is on record here; the supervisor may forget it. */
  void acknowledge(TaskKey key, String execId, Duration patience);

  /** Has the supervisor let in the next client that shows the token, for as long as it is valid. */
  void allowAttach(TaskKey key, String execId, AttachToken token, Duration patience);

  /**
   * Follows what happens to its tasks. Does not block.
   *
   * @param each gets one event after the other and must not block for long
   * @param ended runs once, on a thread of its own, when the stream has broken
   */
  void watch(Consumer<ShimProcessEvent> each, Runnable ended);

  /** Calls on the shim of a task that it holds. */
  ShimCalls shim(TaskKey key, String requestId, Duration patience);

  /** Ends calls that are under way. */
  @Override
  void close();
}
