package io.berth.containerd.event;

import com.google.protobuf.Any;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What this service itself tells its subscribers: each kind is one record, and has one topic. What
 * clients and other services tell stays opaque, see {@link PublishedEvent}.
 */
public sealed interface Occurrence {
  /** The topic under which it is told, as containerd names it. */
  default String topic() {
    return switch (this) {
      case ContainerCreated _ -> "/containers/create";
      case ContainerUpdated _ -> "/containers/update";
      case ContainerDeleted _ -> "/containers/delete";
      case HealthChanged _ -> "/containers/health_status";
      case NamespaceCreated _ -> "/namespaces/create";
      case NamespaceUpdated _ -> "/namespaces/update";
      case NamespaceDeleted _ -> "/namespaces/delete";
      case TaskCreated _ -> "/tasks/create";
      case TaskStarted _ -> "/tasks/start";
      case TaskExited _ -> "/tasks/exit";
      case TaskDeleted _ -> "/tasks/delete";
      case TaskOutOfMemory _ -> "/tasks/oom";
      case TaskPaused _ -> "/tasks/paused";
      case TaskResumed _ -> "/tasks/resumed";
      case ExecAdded _ -> "/tasks/exec-added";
      case ExecStarted _ -> "/tasks/exec-started";
    };
  }

  /**
   * A container's record was made.
   *
   * @param image the name of its image, or empty
   * @param options those of its runtime; {@link Any#getDefaultInstance} is none
   */
  record ContainerCreated(String id, String image, String runtime, Any options)
      implements Occurrence {}

  /**
   * A container's record was changed; the values are those from now on.
   *
   * @param image the name of its image, or empty
   * @param snapshotKey the key of the snapshot that is its root, or empty
   */
  record ContainerUpdated(String id, String image, Map<String, String> labels, String snapshotKey)
      implements Occurrence {
    public ContainerUpdated {
      labels = copy(labels);
    }
  }

  /** A container's record was removed. */
  record ContainerDeleted(String id) implements Occurrence {}

  /**
   * The probes of a container led to another status.
   *
   * @param status {@code starting}, {@code healthy} or {@code unhealthy}
   */
  record HealthChanged(String container, String name, String status) implements Occurrence {}

  /** A namespace was made by a call, not by what was made in it. */
  record NamespaceCreated(String name, Map<String, String> labels) implements Occurrence {
    public NamespaceCreated {
      labels = copy(labels);
    }
  }

  /** A namespace has these labels from now on. */
  record NamespaceUpdated(String name, Map<String, String> labels) implements Occurrence {
    public NamespaceUpdated {
      labels = copy(labels);
    }
  }

  /** A namespace was removed. */
  record NamespaceDeleted(String name) implements Occurrence {}

  /**
   * A container has a task; its program does not run yet.
   *
   * @param bundle the folder with its specification
   * @param rootfs what is mounted to be its root, in this order; empty if its root is a folder
   * @param pid the process that becomes the program
   */
  record TaskCreated(
      String container, String bundle, List<RootfsMount> rootfs, Stdio stdio, int pid)
      implements Occurrence {
    public TaskCreated {
      rootfs = List.copyOf(rootfs);
    }
  }

  /** A task's program runs. */
  record TaskStarted(String container, int pid) implements Occurrence {}

  /**
   * A process of a task ended.
   *
   * @param process the id of the exec, or that of the container for its init
   * @param status as a shell tells it: the exit code, or 128 and the number of the signal
   */
  record TaskExited(String container, String process, int pid, int status, Instant at)
      implements Occurrence {}

  /**
   * A task was removed.
   *
   * @param pid that of its init
   * @param status how its init ended, as in {@link TaskExited}
   */
  record TaskDeleted(String container, int pid, int status, Instant at) implements Occurrence {}

  /** The kernel killed a process of the task because its memory limit was reached. */
  record TaskOutOfMemory(String container) implements Occurrence {}

  /** All processes of a task stand still. */
  record TaskPaused(String container) implements Occurrence {}

  /** All processes of a task go on. */
  record TaskResumed(String container) implements Occurrence {}

  /** A task has one more process, which does not run yet. */
  record ExecAdded(String container, String exec) implements Occurrence {}

  /** One more process of a task runs. */
  record ExecStarted(String container, String exec, int pid) implements Occurrence {}

  private static Map<String, String> copy(Map<String, String> labels) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(labels));
  }
}
