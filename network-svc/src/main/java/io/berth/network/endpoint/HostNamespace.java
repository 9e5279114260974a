package io.berth.network.endpoint;

import io.berth.linux.net.NetworkNamespace;
import java.io.IOException;

/** What counts as the host: this process's network namespace, in a test one of the test's own. */
@FunctionalInterface
public interface HostNamespace {
  /** Opens it; the caller closes it. */
  NetworkNamespace open() throws IOException;
}
