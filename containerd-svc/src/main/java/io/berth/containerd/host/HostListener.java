package io.berth.containerd.host;

import io.berth.api.berth.host.v1.Occurrence;
import io.berth.base.id.TaskKey;
import java.util.Set;

/** Who is told what happens to tasks and to the processes that host them. */
public interface HostListener {
  /** In the order in which the host told it. Must not block for long. */
  void occurred(HostProcess host, Occurrence occurrence);

  /** The process is gone; its tasks live on under their supervisors, and want another host. */
  void lost(HostProcess host, Set<TaskKey> tasks);
}
