package io.berth.linux.supervisor;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * How a client with a token is let in to a supervisor. As many can be attached at a time as a
 * supervisor has places for; who comes in a crowd waits for one.
 */
public final class Admission {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(5);
  private static final Duration LAST_PAUSE = Duration.ofMillis(200);

  /**
   * A supervisor of the first protocol answers the same, or cuts the connection, when it has no
   * place and when a token is wrong. For so long the former is assumed.
   */
  private static final Duration DOUBT = Duration.ofSeconds(2);

  private final SupervisorClient client;
  private final Path socket;
  private final Pause pause;

  /** How the thread that waits for a place lets time pass. */
  @FunctionalInterface
  public interface Pause {
    /** Blocks the calling thread for about this long. */
    void sleep(Duration time) throws InterruptedException;
  }

  /** Leads to the supervisor that listens at a socket. */
  public Admission(SupervisorClient client, Path socket, Pause pause) {
    this.client = client;
    this.socket = socket;
    this.pause = pause;
  }

  /**
   * Connects and greets, again and again while only a place lacks; blocks meanwhile. What follows
   * is {@link SupervisorConnection#attach}.
   *
   * @param listener hears what happens on the connection, and nothing before this returns
   * @throws SupervisorException EACCES: the token is not, or no longer, good; EUSERS: no place came
   *     free in time
   * @throws SyscallException ENOENT or ECONNREFUSED: no supervisor lives there any more
   */
  public SupervisorConnection enter(byte[] token, SupervisorListener listener, Duration patience)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    long longest = FIRST_PAUSE.toNanos();
    while (true) {
      IOException refusal;
      Gate gate = new Gate();
      try {
        SupervisorConnection connection = client.connect(socket, gate);
        try {
          greet(connection, token, patience.toNanos() - (System.nanoTime() - start));
          gate.open(listener);
          return connection;
        } catch (IOException | InterruptedException | RuntimeException e) {
          connection.close();
          throw e;
        }
      } catch (IOException e) {
        refusal = e;
      }
      long waited = System.nanoTime() - start;
      if (waited + longest > patience(refusal, patience).toNanos()) {
        throw refusal;
      }
      // The pause differs from client to client, so that a crowd does not come back at once.
      long nanos = ThreadLocalRandom.current().nextLong(longest / 2, longest);
      pause.sleep(Duration.ofNanos(nanos));
      longest = Math.min(2 * longest, LAST_PAUSE.toNanos());
    }
  }

  private static void greet(SupervisorConnection connection, byte[] token, long nanos)
      throws IOException, InterruptedException {
    CompletableFuture<SupervisorConnection.Hello> answer = connection.helloToAttach(token);
    try {
      answer.get(nanos, TimeUnit.NANOSECONDS).close();
    } catch (TimeoutException e) {
      throw new SupervisorException(Errno.EUSERS.number(), -1, 0, "hello", "no answer in time");
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
    }
  }

  /** How long a refusal is borne, counted from the first try. */
  private static Duration patience(IOException refusal, Duration longest) {
    return switch (refusal) {
      case SupervisorException refused when refused.is(Errno.EUSERS) -> longest;
      case SupervisorException refused when refused.is(Errno.EACCES) -> DOUBT;
      case SupervisorException _ -> Duration.ZERO;
      // EAGAIN of connect(2) says that the queue of the socket is full.
      case SyscallException failed when failed.is(Errno.EAGAIN) -> longest;
      case SyscallException _ -> Duration.ZERO;
      case IOException _ -> DOUBT;
    };
  }

  /** Keeps the end of a refused connection from a listener who waits for the end of a process. */
  private static final class Gate implements SupervisorListener {
    @GuardedBy("this")
    private @Nullable SupervisorListener target;

    @GuardedBy("this")
    private boolean closed;

    @GuardedBy("this")
    private @Nullable Throwable cause;

    void open(SupervisorListener listener) {
      Throwable why;
      synchronized (this) {
        target = listener;
        if (!closed) {
          return;
        }
        why = cause;
      }
      listener.closed(why);
    }

    private synchronized @Nullable SupervisorListener target() {
      return target;
    }

    @Override
    public void exited(ExitRecord exit) {
      SupervisorListener listener = target();
      if (listener != null) {
        listener.exited(exit);
      }
    }

    @Override
    public void drained(String id) {
      SupervisorListener listener = target();
      if (listener != null) {
        listener.drained(id);
      }
    }

    @Override
    public void detached(String id) {
      SupervisorListener listener = target();
      if (listener != null) {
        listener.detached(id);
      }
    }

    @Override
    public void broken(SupervisorConnection.Stream stream, Errno error) {
      SupervisorListener listener = target();
      if (listener != null) {
        listener.broken(stream, error);
      }
    }

    @Override
    public void closed(@Nullable Throwable why) {
      SupervisorListener listener;
      synchronized (this) {
        closed = true;
        cause = why;
        listener = target;
      }
      if (listener != null) {
        listener.closed(why);
      }
    }
  }
}
