package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import java.io.IOException;

/** For plans in which everything is open already: what has only a name is refused. */
final class OpenOnly {
  static final LaunchPlan.Descriptors FILES =
      new LaunchPlan.Descriptors() {
        @Override
        public Fd open(Handle.Named handle) throws IOException {
          throw new IOException("nobody opens " + handle);
        }

        @Override
        public Fd openAnother(Handle.Named handle) throws IOException {
          return open(handle);
        }
      };

  static final LaunchPlan.Sinks STREAMS =
      (stream, to) -> {
        throw new IOException("nobody opens stream " + stream + ", " + to);
      };

  private OpenOnly() {}
}
