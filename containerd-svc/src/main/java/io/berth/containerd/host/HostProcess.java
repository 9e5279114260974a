package io.berth.containerd.host;

import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.StatusResponse;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.rpc.CallContext;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * One process that hosts shims, as this service sees it. What is mutable is guarded by the pool's
 * lock.
 */
public final class HostProcess {
  private static final Logger LOG = System.getLogger(HostProcess.class.getName());
  private static final Duration WATCH_PATIENCE = Duration.ofSeconds(2);

  private final int number;
  private final ShimProcessFolder folder;
  private final ManagedChannel channel;
  private final CountDownLatch watched = new CountDownLatch(1);

  // Guarded by the lock of the pool.
  int pid;
  String namespace = "";
  boolean exclusive;
  boolean warmed;
  boolean draining;
  boolean gone;
  long idleSinceNanos = System.nanoTime();
  final Set<TaskKey> tasks = new HashSet<>();

  HostProcess(int number, ShimProcessFolder folder, ManagedChannel channel) {
    this.number = number;
    this.folder = folder;
    this.channel = channel;
  }

  /** Its number under the state folder. */
  public int number() {
    return number;
  }

  ShimProcessFolder folder() {
    return folder;
  }

  /** For one call that ends within the time. */
  public HostGrpc.HostBlockingStub stub(Duration patience) {
    return HostGrpc.newBlockingStub(channel).withDeadlineAfter(patience);
  }

  /** The shim of a task that it holds. */
  public TaskGrpc.TaskBlockingStub tasks(TaskKey key) {
    Metadata header = new Metadata();
    header.put(CallContext.TASK_HEADER, key.toString());
    return TaskGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(header));
  }

  HostGrpc.HostStub streaming() {
    return HostGrpc.newStub(channel);
  }

  /** Waits until it answers; UNAVAILABLE when it ends instead, or takes longer. */
  StatusResponse awaitStatus(CompletableFuture<Void> ended, Duration patience)
      throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (System.nanoTime() < deadline) {
      if (ended.isDone()) {
        throw new BerthException.Unavailable(
            "berth-shim ended at once, its last words: " + lastWords());
      }
      if (Files.exists(folder.socket())) {
        try {
          return stub(patience).status(Empty.getDefaultInstance());
        } catch (StatusRuntimeException e) {
          LOG.log(Level.DEBUG, "{0}: {1}", this, e.getMessage());
        }
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
    throw new BerthException.Unavailable("`" + folder.socket() + "` did not answer in time");
  }

  /** The last line of its log. */
  String lastWords() {
    try {
      List<String> lines = Files.readAllLines(folder.log());
      return lines.isEmpty() ? "it said nothing" : lines.getLast();
    } catch (IOException e) {
      return "it said nothing";
    }
  }

  /** Its stream of happenings has told everything old. */
  void watched() {
    watched.countDown();
  }

  /** Waits a little for that: without it only a want of memory could be missed. */
  void awaitWatched() throws InterruptedException {
    var _ = watched.await(WATCH_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Ends by itself once it holds no shim. Best effort. */
  void drain() {
    HostGrpc.newFutureStub(channel)
        .withDeadlineAfter(5, TimeUnit.SECONDS)
        .drain(Empty.getDefaultInstance());
  }

  void close() {
    channel.shutdownNow();
  }

  @Override
  public String toString() {
    return "host process " + number;
  }
}
