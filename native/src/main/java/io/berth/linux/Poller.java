package io.berth.linux;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One named platform thread that waits for many descriptors and calls back. Callbacks run on that
 * thread one after another and must not wait for anything: what does, they hand on. One that fails
 * does not end it, whatever the failure: a thread that cannot be started for what one callback
 * hands on is an error too, and no reason to leave everybody else's descriptors alone.
 */
public final class Poller implements Executor, AutoCloseable {
  private static final Logger LOG = System.getLogger(Poller.class.getName());
  private static final long WAKE_UP = 0;

  private final Epoll epoll;
  private final EventFd wakeUp;
  private final Thread thread;
  private final Map<Long, Registration> registrations = new ConcurrentHashMap<>();
  private final AtomicLong tokens = new AtomicLong(WAKE_UP);
  private final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Guards the life of {@link #wakeUp}. */
  private final ReentrantLock waking = new ReentrantLock();

  @GuardedBy("waking")
  private boolean ended;

  private Poller(String name) throws SyscallException {
    epoll = Epoll.create();
    wakeUp = EventFd.create();
    epoll.add(wakeUp.fd(), Epoll.EPOLLIN, WAKE_UP);
    thread = Thread.ofPlatform().name(name).daemon().unstarted(this::loop);
  }

  /** Starts the thread; it is a daemon thread. */
  public static Poller start(String threadName) throws SyscallException {
    Poller poller = new Poller(threadName);
    poller.thread.start();
    return poller;
  }

  /** Called on the poller's thread when a descriptor is ready. */
  public interface Callback {
    /**
     * A registered descriptor is ready.
     *
     * @param registration what {@link #register} returned, or is about to return
     * @param events {@code EPOLL*} of {@link Epoll}
     * @throws IOException is logged, as is any other failure, and the registration is closed
     */
    void ready(Registration registration, int events) throws IOException;
  }

  /** A descriptor that is waited for. */
  public final class Registration implements AutoCloseable {
    private final long token;
    private final Fd fd;
    private final Callback callback;
    private final AtomicBoolean open = new AtomicBoolean(true);

    Registration(long token, Fd fd, Callback callback) {
      this.token = token;
      this.fd = fd;
      this.callback = callback;
    }

    /**
     * Waits for other events from now on; with 0 only for errors and hang-ups, which the kernel
     * always tells.
     */
    public void setEvents(int events) throws SyscallException {
      epoll.modify(fd, events, token);
    }

    /**
     * Ends the waiting. Called on the poller's thread, no callback follows; called elsewhere, one
     * may be running. To be called before the descriptor is closed.
     */
    @Override
    public void close() {
      if (!open.getAndSet(false)) {
        return;
      }
      registrations.remove(token);
      try {
        epoll.remove(fd);
      } catch (SyscallException | IllegalStateException closedAlready) {
        LOG.log(Level.DEBUG, "poller: {0}", closedAlready.getMessage());
      }
    }
  }

  /** Waits for a descriptor from now on; it stays the caller's. */
  public Registration register(Fd fd, int events, Callback callback) throws SyscallException {
    long token = tokens.incrementAndGet();
    Registration registration = new Registration(token, fd, callback);
    registrations.put(token, registration);
    try {
      epoll.add(fd, events, token);
    } catch (SyscallException e) {
      registrations.remove(token);
      throw e;
    }
    return registration;
  }

  /** Runs something on the poller's thread, soon. Dropped if the poller has been closed. */
  @Override
  public void execute(Runnable task) {
    work.add(task);
    if (!closed.get()) {
      try {
        wake();
      } catch (SyscallException e) {
        throw new IllegalStateException("poller cannot be woken", e);
      }
    }
  }

  // The loop sees by itself that it is to end, so it may be gone already: then nobody is to be
  // woken.
  private void wake() throws SyscallException {
    waking.lock();
    try {
      if (!ended) {
        wakeUp.signal();
      }
    } finally {
      waking.unlock();
    }
  }

  private void end() {
    waking.lock();
    try {
      ended = true;
      wakeUp.close();
    } finally {
      waking.unlock();
    }
  }

  /** Whether the caller is the poller's thread. */
  public boolean isCurrentThread() {
    return Thread.currentThread().threadId() == thread.threadId();
  }

  private void loop() {
    try (epoll) {
      while (!closed.get()) {
        epoll.await(null, this::dispatch);
        for (Runnable task = work.poll(); task != null; task = work.poll()) {
          runSafely(task);
        }
      }
    } catch (SyscallException e) {
      LOG.log(Level.ERROR, "poller `" + thread.getName() + "` ends", e);
    } finally {
      end();
    }
  }

  private void dispatch(long token, int events) {
    if (token == WAKE_UP) {
      runSafely(() -> {
        try {
          wakeUp.clear();
        } catch (SyscallException e) {
          throw new IllegalStateException(e);
        }
      });
      return;
    }
    Registration registration = registrations.get(token);
    if (registration == null || !registration.open.get()) {
      return;
    }
    try {
      registration.callback.ready(registration, events);
    } catch (IOException | RuntimeException | Error e) {
      // Whoever closes a registration closes what its callback uses next, maybe in the middle of
      // it.
      if (registration.open.get() || !(e instanceof IllegalStateException)) {
        LOG.log(Level.WARNING, "poller: callback of " + registration.fd, e);
      }
      registration.close();
    }
  }

  private static void runSafely(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "poller: task", e);
    }
  }

  /** Ends the thread; waits for it, unless called on it. Descriptors registered stay open. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    try {
      wake();
      if (!isCurrentThread()) {
        thread.join();
      }
    } catch (SyscallException e) {
      throw new IllegalStateException("poller cannot be woken", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
