package io.berth.testing;

import io.berth.base.rpc.ErrorInterceptor;
import io.berth.base.rpc.HeaderInterceptor;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Servers in this process for the length of one test, with the same interceptors as on a socket:
 * {@code @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc();} then {@code
 * grpc.serve(endpoint)} answers a channel.
 */
public final class InProcessGrpc implements AfterEachCallback {
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();

  /** Starts a server with these services and opens a channel to it. */
  public ManagedChannel serve(BindableService... services) throws IOException {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder =
        InProcessServerBuilder.forName(name)
            .executor(handlers)
            .intercept(new HeaderInterceptor())
            .intercept(new ErrorInterceptor());
    for (BindableService service : services) {
      builder.addService(service);
    }
    servers.add(builder.build().start());
    ManagedChannel channel = InProcessChannelBuilder.forName(name).executor(handlers).build();
    channels.add(channel);
    return channel;
  }

  @Override
  public void afterEach(ExtensionContext context) throws InterruptedException {
    channels.forEach(ManagedChannel::shutdownNow);
    for (Server server : servers) {
      server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
    handlers.shutdownNow();
  }
}
