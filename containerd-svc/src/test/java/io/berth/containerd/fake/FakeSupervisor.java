package io.berth.containerd.fake;

import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The processes of a container as states. What each call did is noted; a call whose number came
 * before does nothing.
 */
public final class FakeSupervisor {
  private static final AtomicInteger PIDS = new AtomicInteger(1000);

  static int nextPid() {
    return PIDS.incrementAndGet();
  }

  /** One process of the container. */
  public static final class Proc {
    /** 0 as long as it is an exec that was not started. */
    public int pid;

    public final String program;
    public Status status = Status.CREATED;
    public int exitStatus;
    public @Nullable Instant exitedAt;

    private Proc(String program, int pid) {
      this.program = program;
      this.pid = pid;
    }

    static Proc init(String program) {
      return new Proc(program, nextPid());
    }

    static Proc exec(String program) {
      return new Proc(program, 0);
    }

    /** The state, as a refusal has it. */
    String word() {
      return status.name().toLowerCase(Locale.ROOT);
    }
  }

  final TaskKey key;
  final CreateTaskRequest create;
  final Map<String, Proc> processes = new TreeMap<>();
  final Set<String> unacknowledged = new HashSet<>();
  private final Set<String> requests = new HashSet<>();
  private final List<String> done = new ArrayList<>();

  FakeSupervisor(TaskKey key, CreateTaskRequest create, String program) {
    this.key = key;
    this.create = create;
    processes.put("", Proc.init(program));
  }

  /** What calls did, in order: {@code start:}, {@code kill::9}, ... */
  public synchronized List<String> done() {
    return List.copyOf(done);
  }

  synchronized Proc process(String execId) {
    Proc found = processes.get(execId);
    if (found == null) {
      throw new BerthException.NotFound("process " + execId);
    }
    return found;
  }

  /** Notes what a call does; false if a call of this number came before. */
  synchronized boolean first(String what, @Nullable String requestId) {
    if (requestId != null && !requests.add(requestId + what)) {
      return false;
    }
    done.add(what);
    return true;
  }

  synchronized boolean end(String execId, int status) {
    Proc process = process(execId);
    if (process.status == Status.STOPPED) {
      return false;
    }
    process.status = Status.STOPPED;
    process.exitStatus = status;
    process.exitedAt = Instant.now();
    unacknowledged.add(execId);
    return true;
  }
}
