package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.base.error.BerthException;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A connection that breaks while a call is written to it. */
final class BrokenConnectionsTest {
  /** Each call on it ends at once. */
  private static Channel ending(Status status) {
    return new Channel() {
      @Override
      public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
        return new ClientCall<>() {
          @Override
          public void start(Listener<A> listener, Metadata headers) {
            listener.onClose(status, new Metadata());
          }

          @Override
          public void request(int count) {}

          @Override
          public void cancel(@Nullable String message, @Nullable Throwable cause) {}

          @Override
          public void halfClose() {}

          @Override
          public void sendMessage(Q message) {}
        };
      }

      @Override
      public String authority() {
        return "localhost";
      }
    };
  }

  private static BerthException failure(Status status) {
    Channel channel = ClientInterceptors.intercept(ending(status), new BrokenConnections());
    return assertThrows(
        BerthException.class,
        () ->
            Calls.call(
                Path.of("/s.sock"),
                "berth-network",
                () -> VersionGrpc.newBlockingStub(channel).version(Empty.getDefaultInstance())));
  }

  @Test
  void isAnAbsentServer_whichIsWaitedFor() {
    Status netty =
        Status.UNKNOWN.withDescription("channel closed").withCause(new ClosedChannelException());
    BerthException told = assertInstanceOf(BerthException.Absent.class, failure(netty));
    assertEquals(
        "connect to `/s.sock`: nobody answers, or the answer broke off; is berth-network running?"
            + " (`berth-services status`)",
        told.getMessage());
  }

  @Test
  void anAnswerOfTheServerStaysWhatItIs() {
    Status answer = Status.UNKNOWN.withDescription("channel closed");
    assertInstanceOf(BerthException.Unknown.class, failure(answer));
  }
}
