package io.berth.containerd.host;

import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.CallContext;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * One process that hosts shims, as this service sees it. What is mutable is guarded by the pool's
 * lock.
 */
public final class HostProcess {
  private static final Duration WATCH_PATIENCE = Duration.ofSeconds(2);

  private final int number;
  private final Path folder;
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

  HostProcess(int number, Path folder, ManagedChannel channel) {
    this.number = number;
    this.folder = folder;
    this.channel = channel;
  }

  /** Its number under the state folder. */
  public int number() {
    return number;
  }

  Path folder() {
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
