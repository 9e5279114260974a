package io.berth.network.endpoint;

import io.berth.linux.net.NetworkNamespace;
import java.io.IOException;

/** Opens the network namespace of the host; a test has another one in its place. */
@FunctionalInterface
public interface HostNamespace {
  /** The namespace, which the caller closes. */
  NetworkNamespace open() throws IOException;
}
