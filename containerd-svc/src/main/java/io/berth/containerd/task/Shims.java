package io.berth.containerd.task;

import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.LetGoRequest;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.berth.host.v1.PlaceResponse;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.host.HostPool;
import io.berth.containerd.host.HostProcess;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The way to a task's shim: placing it on a host process, having another adopt it, and calls that
 * outlive the death of a host, repeated under one number so that the supervisor does nothing twice.
 */
@Singleton
final class Shims {
  private static final Logger LOG = System.getLogger(Shims.class.getName());

  /** For a call on a shim; hooks and slow programs are counted in. */
  static final Duration PATIENCE = Duration.ofMinutes(5);

  private static final Duration ADOPT_PATIENCE = Duration.ofSeconds(30);
  private static final int MAX_HOSTS_TRIED = 5;
  private static final long DYING_MILLIS = 100;

  private final HostPool pool;
  private final ExitLedger ledger;
  private final InstantSource clock;

  @Inject
  Shims(HostPool pool, ExitLedger ledger, InstantSource clock) {
    this.pool = pool;
    this.ledger = ledger;
    this.clock = clock;
  }

  /** Work on a shim's stub. */
  interface Call<T> {
    T on(TaskGrpc.TaskBlockingStub stub);
  }

  /** 16 hex digits. */
  static String newRequestId() {
    return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  /** Calls the shim, the next one if its host dies meanwhile. */
  <T> T call(Task task, Call<T> call) {
    return call(task, PATIENCE, call);
  }

  <T> T call(Task task, Duration patience, Call<T> call) {
    String requestId = newRequestId();
    for (int attempt = 1; ; attempt++) {
      ShimLink link = link(task);
      try {
        return call.on(link.stub(requestId, patience));
      } catch (StatusRuntimeException e) {
        if (!isHostGone(e) || attempt > MAX_HOSTS_TRIED) {
          throw ErrorCodec.fromCall(e);
        }
        LOG.log(Level.DEBUG, "{0}: {1}; repeated as {2}", task.key(), e.getMessage(), requestId);
        relink(task, link);
      }
    }
  }

  // A server that ends at once resets its streams, which looks like a cancellation by nobody.
  private static boolean isHostGone(StatusRuntimeException e) {
    return switch (e.getStatus().getCode()) {
      case UNAVAILABLE -> true;
      case CANCELLED -> !Context.current().isCancelled();
      default -> false;
    };
  }

  /** Through the task's host itself. */
  void allowAttach(Task task, AllowAttachRequest request) {
    HostGrpc.HostBlockingStub stub = link(task).host().stub(ADOPT_PATIENCE);
    try {
      var _ = stub.allowAttach(request);
    } catch (StatusRuntimeException e) {
      throw ErrorCodec.fromCall(e);
    }
  }

  private ShimLink link(Task task) {
    task.linking.lock();
    try {
      ShimLink present = task.link;
      if (present != null) {
        return present;
      }
      if (task.lost) {
        throw gone(task);
      }
      return adopt(task);
    } finally {
      task.linking.unlock();
    }
  }

  private static BerthException gone(Task task) {
    return new BerthException.NotFound(
        "task " + task.key().id() + ": process already finished, its supervisor is gone");
  }

  /** A link did not answer; unless somebody else has replaced it, another host adopts the task. */
  void relink(Task task, ShimLink broken) {
    task.linking.lock();
    try {
      if (task.link != broken || task.lost) {
        return;
      }
      task.link = null;
      if (pool.examine(broken.host())) {
        // The process lives and let go of the shim: it may as well take it up again.
        pool.release(broken.host(), task.key());
      }
      adopt(task);
    } finally {
      task.linking.unlock();
    }
  }

  /** Its host is gone, as somebody noticed. */
  void hostLost(Task task, HostProcess host) {
    task.linking.lock();
    try {
      ShimLink present = task.link;
      if (present != null && present.host() == host) {
        task.link = null;
        if (!task.isCreating()) {
          adopt(task);
        }
      }
    } catch (BerthException e) {
      LOG.log(Level.ERROR, "adopt {0}: {1}", task.key(), e.getMessage());
    } finally {
      task.linking.unlock();
    }
  }

  /** After a restart: the task is held by a process that was found. */
  void linkTo(Task task, HostProcess host) {
    task.linking.lock();
    try {
      task.link = new ShimLink(host, task.key());
      task.lost = false;
    } finally {
      task.linking.unlock();
    }
  }

  /** After a restart: nobody holds the task. Answers whether there was something to hold. */
  boolean adoptOrphan(Task task) {
    task.linking.lock();
    try {
      adopt(task);
      return true;
    } catch (BerthException.NotFound e) {
      return false;
    } finally {
      task.linking.unlock();
    }
  }

  // Under the linking lock.
  private ShimLink adopt(Task task) {
    @Nullable BerthException last = null;
    for (int tried = 0; tried < MAX_HOSTS_TRIED; tried++) {
      HostProcess host = pool.reserve(task.key(), task.isExclusive());
      try {
        HostGrpc.HostBlockingStub stub = host.stub(ADOPT_PATIENCE);
        var _ = stub.adopt(adoptRequest(task));
        ShimLink link = new ShimLink(host, task.key());
        task.link = link;
        return link;
      } catch (StatusRuntimeException e) {
        last = ErrorCodec.fromCall(e);
        if (last instanceof BerthException.AlreadyExists) {
          // It never let go: only the way there was broken.
          ShimLink link = new ShimLink(host, task.key());
          task.link = link;
          return link;
        }
        pool.release(host, task.key());
        if (last instanceof BerthException.NotFound) {
          if (!task.isCreating()) {
            task.lost = true;
            ledger.lost(task, clock.instant());
          }
          throw gone(task);
        }
        boolean alive = pool.examine(host);
        LOG.log(
            alive ? Level.WARNING : Level.INFO,
            "adopt {0} by {1}: {2}",
            task.key(),
            host,
            e.getMessage());
      }
    }
    throw new BerthException.Unavailable(
        "adopt task " + task.key() + ": " + (last == null ? "no host" : last.getMessage()), last);
  }

  private static AdoptRequest adoptRequest(Task task) {
    return AdoptRequest.newBuilder()
        .setNamespace(task.key().namespace())
        .setId(task.key().id())
        .setFolder(task.folder().path().toString())
        .build();
  }

  /**
   * Places a new task on a host and creates it in the same hop; answers the init's pid. When it
   * fails nothing of the task is left but its folder.
   */
  int place(Task task, PlaceRequest request) {
    String requestId = newRequestId();
    for (int tried = 1; ; tried++) {
      HostProcess host = pool.reserve(task.key(), task.isExclusive());
      try {
        PlaceResponse placed = UnixChannel.numbered(host.stub(PATIENCE), requestId).place(request);
        linkTo(task, host);
        return placed.getPid();
      } catch (StatusRuntimeException e) {
        pool.release(host, task.key());
        BerthException failure = ErrorCodec.fromCall(e);
        boolean hostDied = isHostGone(e) && isDying(host);
        if (!hostDied || tried == MAX_HOSTS_TRIED) {
          throw failure;
        }
        Integer pid = createdAlready(task);
        if (pid != null) {
          return pid;
        }
      }
    }
  }

  // A process on its way out may answer once more.
  private boolean isDying(HostProcess host) {
    if (!pool.examine(host)) {
      return true;
    }
    try {
      Thread.sleep(DYING_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return !pool.examine(host);
  }

  // The host died while it created: the supervisor may have come to life or not.
  private @Nullable Integer createdAlready(Task task) {
    if (!adoptOrphan(task)) {
      return null;
    }
    StateResponse state =
        call(task, stub -> stub.state(StateRequest.newBuilder().setId(task.key().id()).build()));
    if (state.getPid() != 0) {
      return state.getPid();
    }
    unlink(task);
    return null;
  }

  /**
   * Nothing more is asked of the shim. It leaves its host by itself after a deletion; to be let go
   * here it could be mistaken for the next one of the same name.
   */
  void unlink(Task task) {
    ShimLink old;
    task.linking.lock();
    try {
      old = task.link;
      task.link = null;
      task.lost = true;
    } finally {
      task.linking.unlock();
    }
    if (old != null) {
      pool.release(old.host(), task.key());
    }
  }

  /** The creation failed on our side: what the shim made is undone, as far as it goes. */
  void abandon(Task task) {
    task.linking.lock();
    try {
      if (task.link == null) {
        return;
      }
    } finally {
      task.linking.unlock();
    }
    try {
      DeleteRequest request = DeleteRequest.newBuilder().setId(task.key().id()).build();
      var _ = call(task, stub -> stub.delete(request));
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "undo creation of {0}: {1}", task.key(), e.getMessage());
    }
    unlink(task);
  }

  /** A process of another build is to end: its shims move, their containers do not notice. */
  void moveAway(Task task, HostProcess from) {
    letGo(from, task);
    hostLost(task, from);
    pool.release(from, task.key());
  }

  private static void letGo(HostProcess host, Task task) {
    HostGrpc.HostBlockingStub stub = host.stub(ADOPT_PATIENCE);
    try {
      var _ =
          stub.letGo(
              LetGoRequest.newBuilder()
                  .setNamespace(task.key().namespace())
                  .setId(task.key().id())
                  .build());
    } catch (StatusRuntimeException e) {
      LOG.log(Level.DEBUG, "let go of {0} by {1}: {2}", task.key(), host, e.getMessage());
    }
  }
}
