package io.berth.containerd.spec;

import io.berth.oci.runtime.Linux;
import java.util.List;

/** Finds the host's device nodes. Methods may block for the time of a few stat(2) calls. */
public interface DeviceSource {
  /**
   * The node at this path, or all nodes below a folder; paths in the answer are the host's.
   * INVALID_ARGUMENT when there is none.
   */
  List<Linux.Device> at(String hostPath);

  /**
   * All nodes that a privileged container sees: those below {@code /dev}, except terminals and
   * {@code /dev/pts}.
   */
  List<Linux.Device> all();
}
