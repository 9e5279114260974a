package io.berth.testing;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
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
 * Servers in this process for the length of one test: {@code @RegisterExtension final InProcessGrpc
 * grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);}, then {@code grpc.serve(endpoint)} answers a
 * channel on which failures and headers are what they are on a socket.
 */
public final class InProcessGrpc implements AfterEachCallback {
  private final List<ServerInterceptor> interceptors;
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();

  /** With these interceptors; the last one sees a call first. */
  public InProcessGrpc(List<ServerInterceptor> interceptors) {
    this.interceptors = List.copyOf(interceptors);
  }

  /** Starts a server with these services and opens a channel to it. */
  public ManagedChannel serve(BindableService... services) throws IOException {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name).executor(handlers);
    interceptors.forEach(builder::intercept);
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
