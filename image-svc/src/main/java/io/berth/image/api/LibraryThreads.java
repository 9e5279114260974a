package io.berth.image.api;

import io.berth.image.unpack.LayerThreads;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.Callable;

/**
 * The platform threads of those calls of {@link LibraryEndpoint} that block for long: sixteen calls
 * at a time, more wait for their turn. Thread-safe.
 */
@Singleton
final class LibraryThreads {
  private final LayerThreads threads = new LayerThreads(16);

  @Inject
  LibraryThreads() {}

  /** Runs the work on a platform thread and waits for its end, as {@link LayerThreads#run} does. */
  <T> T run(String name, Callable<T> work) {
    return threads.run(name, work);
  }
}
