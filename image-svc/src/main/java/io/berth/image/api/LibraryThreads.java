package io.berth.image.api;

import io.berth.base.error.BerthException;
import io.berth.image.gc.Schedule;
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
  private final Schedule schedule;

  @Inject
  LibraryThreads(Schedule schedule) {
    this.schedule = schedule;
  }

  /**
   * Runs the work on a platform thread and waits for its end, as {@link LayerThreads#run} does.
   * Where it fails for want of room, what it has left is collected soon.
   */
  <T> T run(String name, Callable<T> work) {
    try {
      return threads.run(name, work);
    } catch (BerthException.ResourceExhausted e) {
      schedule.ask();
      throw e;
    }
  }
}
