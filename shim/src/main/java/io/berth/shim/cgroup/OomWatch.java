package io.berth.shim.cgroup;

import io.berth.linux.Epoll;
import io.berth.linux.EventFd;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Tells when the kernel has killed a process of a cgroup for want of memory. Version 1 signals a
 * registered eventfd, version 2 marks its file of events.
 */
public final class OomWatch implements AutoCloseable {
  private final Fd counter;
  private final @Nullable EventFd event;
  private final Runnable told;
  private Poller.@Nullable Registration registration;
  private long seen;

  private OomWatch(Fd counter, @Nullable EventFd event, Runnable told) {
    this.counter = counter;
    this.event = event;
    this.told = told;
  }

  /**
   * Begins to watch; null where the host counts no memory.
   *
   * @param told on the poller's thread, once for each increase; must not wait
   */
  public static @Nullable OomWatch start(CgroupFolders folders, Poller poller, Runnable told)
      throws SyscallException {
    String memory = folders.of("memory");
    String file = folders.oomCounter();
    if (file == null) {
      return null;
    }
    Fd counter = Fd.open(Path.of(file), OpenFlags.O_RDONLY);
    EventFd event = null;
    try {
      if (memory != null) {
        event = EventFd.create();
        ControlFiles.write(
            memory, "cgroup.event_control", event.fd().number() + " " + counter.number());
      }
      OomWatch watch = new OomWatch(counter, event, told);
      watch.seen = watch.count();
      watch.registration =
          event == null
              ? poller.register(counter, Epoll.EPOLLPRI, (r, _) -> watch.look(r))
              : poller.register(event.fd(), Epoll.EPOLLIN, (r, _) -> watch.look(r));
      return watch;
    } catch (SyscallException e) {
      counter.close();
      if (event != null) {
        event.close();
      }
      throw e;
    }
  }

  private void look(Poller.Registration waiting) {
    try {
      if (event != null) {
        event.clear();
      }
      // Fails once the cgroup is gone.
      long count = count();
      // Version 1 signals before it kills, so its counter says nothing yet.
      if (event != null || count > seen) {
        seen = count;
        told.run();
      }
    } catch (SyscallException gone) {
      // The cgroup has been removed, which version 1 signals as well.
      waiting.close();
    }
  }

  private long count() throws SyscallException {
    counter.seek(0);
    String text = new String(counter.readAll(4096), StandardCharsets.US_ASCII);
    for (String line : text.split("\n", -1)) {
      if (line.startsWith("oom_kill ")) {
        return Long.parseLong(line.substring("oom_kill ".length()).strip());
      }
    }
    return 0;
  }

  @Override
  public void close() {
    if (registration != null) {
      registration.close();
    }
    counter.close();
    if (event != null) {
      event.close();
    }
  }
}
