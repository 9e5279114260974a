import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Waits until the services on these sockets have warmed up: {@code Warmed SOCKET...}. */
final class Warmed {
  private static final long SECONDS = 60;
  private static final long WITHOUT_WORD_MILLIS = 3000;
  private static final long STEP_MILLIS = 50;

  private Warmed() {}

  public static void main(String[] sockets) throws Exception {
    try (EventLoops loops = new EventLoops(1)) {
      for (String socket : sockets) {
        ManagedChannel channel = UnixChannel.to(loops, Path.of(socket));
        try {
          await(HealthGrpc.newBlockingStub(channel), socket);
        } finally {
          channel.shutdownNow();
        }
      }
    }
  }

  private static void await(HealthGrpc.HealthBlockingStub health, String socket) throws Exception {
    HealthCheckRequest request = HealthCheckRequest.newBuilder().setService("warmed").build();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (true) {
      try {
        if (health.check(request).getStatus() == ServingStatus.SERVING) {
          return;
        }
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
          System.err.println(socket + " does not say when it has warmed up: waiting 3 s");
          Thread.sleep(WITHOUT_WORD_MILLIS);
          return;
        }
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          throw e;
        }
      }
      if (System.nanoTime() > end) {
        System.err.println(socket + " has not warmed up within " + SECONDS + " s: going on");
        return;
      }
      Thread.sleep(STEP_MILLIS);
    }
  }
}
