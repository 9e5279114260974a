package io.berth.base.rpc;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that wants all of a server: idle connections, calls that never end, answers that it
 * does not read. It says "held" once each of its calls is under way or refused, and holds them
 * until its input ends.
 */
final class Flood {
  private static final int CONNECTIONS = 4_000;
  private static final int CHANNELS = 20;
  private static final int CALLS = 1_000;
  private static final int WRITES = 6;

  private final List<Object> held = new ArrayList<>();
  private final AtomicInteger settled = new AtomicInteger();
  private int made;

  private Flood() {}

  static void main(String[] arguments) throws Exception {
    Path socket = Path.of(arguments[0]);
    try (EventLoops loops = new EventLoops(1)) {
      new Flood().hold(loops, socket);
    }
  }

  private void hold(EventLoops loops, Path socket) throws Exception {
    List<ManagedChannel> channels = new ArrayList<>();
    for (int i = 0; i < CHANNELS; i++) {
      ManagedChannel channel = UnixChannel.to(loops, socket);
      channels.add(channel);
      for (int call = 0; call < CALLS; call++) {
        unread(channel);
      }
    }
    for (int i = 0; i < WRITES; i++) {
      StreamObserver<WriteContentRequest> stream =
          ContentGrpc.newStub(channels.getFirst()).write(new Ignoring<>());
      stream.onNext(
          WriteContentRequest.newBuilder()
              .setData(ByteString.copyFrom(new byte[15 << 20]))
              .build());
      held.add(stream);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
      held.add(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
    }
    while (settled.get() < made) {
      LockSupport.parkNanos(1_000_000);
    }
    IO.println("held");
    while (System.in.read() >= 0) {
      LockSupport.parkNanos(1);
    }
    channels.forEach(ManagedChannel::shutdownNow);
  }

  private void unread(ManagedChannel channel) {
    made++;
    ContentGrpc.newStub(channel).read(ReadContentRequest.getDefaultInstance(), new Unread());
  }

  /** Asks for one answer and then for no more. */
  private final class Unread
      implements ClientResponseObserver<ReadContentRequest, ReadContentResponse> {
    private boolean first = true;

    @Override
    public void beforeStart(ClientCallStreamObserver<ReadContentRequest> call) {
      call.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(ReadContentResponse answer) {
      settle();
    }

    @Override
    public void onError(Throwable failure) {
      settle();
    }

    @Override
    public void onCompleted() {}

    private synchronized void settle() {
      if (first) {
        first = false;
        settled.incrementAndGet();
      }
    }
  }

  private static final class Ignoring<A> implements StreamObserver<A> {
    @Override
    public void onNext(A answer) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }
}
