package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.content.v1.ListContentResponse;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.berth.testing.Eventually;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a handler takes back after its call was cancelled is in what the service closes next: the
 * server waits for it.
 */
final class ServerCloseTest {
  @TempDir Path folder;
  @RegisterExtension final OpenSockets sockets = new OpenSockets();

  /** Work that does not end with its call: it takes back what it had begun. */
  private static final class Tidying {
    final CountDownLatch running = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    final AtomicBoolean tidied = new AtomicBoolean();

    void run() {
      running.countDown();
      boolean waits = true;
      while (waits) {
        try {
          goOn.await();
          waits = false;
        } catch (InterruptedException e) {
          // The call was cancelled.
        }
      }
      tidied.set(true);
    }
  }

  private void closingWaits(BindableService service, Tidying work, Consumer<Channel> call)
      throws Exception {
    Path socket = folder.resolve("slow.sock");
    UnixServer server =
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(socket, List.of(service.bindService())),
            List.of());
    sockets.add(server);
    Context.CancellableContext context = Context.current().withCancellation();
    context.run(() -> call.accept(sockets.channel(socket)));
    assertTrue(work.running.await(10, TimeUnit.SECONDS));
    context.cancel(null);
    Thread closer = Thread.ofPlatform().start(server::close);
    Eventually.holds(
        "the server waits",
        () -> closer.getState() == Thread.State.TIMED_WAITING || !closer.isAlive());
    assertTrue(closer.isAlive(), "closed before the handler had ended");
    work.goOn.countDown();
    closer.join();
    assertTrue(work.tidied.get());
  }

  @Test
  void closingWaitsForTheHandlerOfACallThatItsClientGaveUp() throws Exception {
    Tidying work = new Tidying();
    closingWaits(
        new VersionGrpc.VersionImplBase() {
          @Override
          public void version(Empty request, StreamObserver<VersionResponse> responses) {
            work.run();
          }
        },
        work,
        channel ->
            UnixChannel.in(VersionGrpc.newFutureStub(channel), "x", null)
                .version(Empty.getDefaultInstance()));
  }

  @Test
  void closingWaitsForTheWorkBehindAStreamThatItsClientGaveUp() throws Exception {
    Tidying work = new Tidying();
    closingWaits(
        new ContentGrpc.ContentImplBase() {
          @Override
          public void list(
              ListContentRequest request, StreamObserver<ListContentResponse> responses) {
            BlockingSender.run(responses, _ -> work.run());
          }
        },
        work,
        channel ->
            UnixChannel.in(ContentGrpc.newBlockingStub(channel), "x", null)
                .list(ListContentRequest.getDefaultInstance()));
  }
}
