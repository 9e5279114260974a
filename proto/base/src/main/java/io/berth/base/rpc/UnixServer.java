package io.berth.base.rpc;

import io.berth.base.error.BerthException;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerInterceptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC server on a Unix socket.
 *
 * <p>The socket is bound under a temporary name and renamed into place, so whoever finds it is
 * answered; the caller holds the folder's lock. Closing does not remove the name: the next owner
 * renames over it.
 */
public final class UnixServer implements AutoCloseable {
  /** The longest path of a socket, in bytes (unix(7): sun_path without its NUL). */
  public static final int MAX_PATH = 107;

  /** The interceptors of every server: headers, and before them failures that become statuses. */
  public static final List<ServerInterceptor> INTERCEPTORS =
      List.of(new HeaderInterceptor(), new ErrorInterceptor());

  private static final Logger LOG = System.getLogger(UnixServer.class.getName());

  /** So long a cancelled call's handler has for its end. */
  private static final long HANDLER_MILLIS = 2000;

  private static final AtomicLong SEQUENCE = new AtomicLong();

  private final Path socket;
  private final Server server;
  private final Handlers handlers;

  private UnixServer(Path socket, Server server, Handlers handlers) {
    this.socket = socket;
    this.server = server;
    this.handlers = handlers;
  }

  /**
   * What to serve.
   *
   * @param socket where
   * @param services implementations, health and reflection included if wanted
   * @param quick full names of methods whose handlers never wait: they run on the event loop, which
   *     saves two changes of threads, the larger part of a short call
   * @param fallback for methods that no service has (byte forwarding), run on the event loop; null:
   *     UNIMPLEMENTED
   * @param bounds how much its clients may use
   * @param admitted who may connect
   * @param mode permissions of the socket, as in {@code rw-rw----}
   */
  public record Options(
      Path socket,
      List<ServerServiceDefinition> services,
      Set<String> quick,
      @Nullable HandlerRegistry fallback,
      ClientBounds bounds,
      Predicate<Peer> admitted,
      String mode) {
    public Options {
      services = List.copyOf(services);
      quick = Set.copyOf(quick);
    }

    /** Options with the bounds by default, mode 0660, and every peer whom the mode lets in. */
    public static Options of(Path socket, List<ServerServiceDefinition> services) {
      return new Options(
          socket, services, Set.of(), null, ClientBounds.defaults(), _ -> true, "rw-rw----");
    }

    /** The same options with other bounds. */
    public Options withBounds(ClientBounds wanted) {
      return new Options(socket, services, quick, fallback, wanted, admitted, mode);
    }

    /** The same options, with these methods run on the event loop. */
    public Options withQuick(Set<String> methods) {
      return new Options(socket, services, methods, fallback, bounds, admitted, mode);
    }
  }

  /**
   * Answers as soon as it returns. Interceptors run in the order of the list, after the error
   * mapping and the headers.
   */
  public static UnixServer start(
      EventLoops loops, Options options, List<ServerInterceptor> interceptors) throws IOException {
    Path socket = options.socket();
    Path beside = beside(socket);
    ClientLoad load = new ClientLoad(options.bounds());
    HandlerTurns<Object> turns =
        new HandlerTurns<>(loops.handlers(), 2 * Runtime.getRuntime().availableProcessors());
    Handlers handlers = new Handlers();
    LoopShares shares = new LoopShares(turns::isBehind, load::owes);
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(
                new DomainSocketAddress(beside.toString()),
                PeerNegotiator.credentials(load, shares))
            .channelFactory(new ConnectionGate(options.admitted(), load).channels())
            .bossEventLoopGroup(loops.group())
            .workerEventLoopGroup(loops.group())
            .executor(Runnable::run)
            .callExecutor(executors(turns, handlers, options))
            .maxInboundMessageSize(options.bounds().message())
            .maxConcurrentCallsPerConnection(load.streams())
            .addStreamTracerFactory(load.counter())
            // Packed requests are not taken: the bounds count bytes as they come over the socket,
            // and few of them unpack to any number. No client packs unless it is told to.
            .decompressorRegistry(
                DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, false))
            .maxInboundMetadataSize(64 << 10)
            .initialFlowControlWindow(1 << 20)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true);
    options.services().forEach(builder::addService);
    if (options.fallback() != null) {
      builder.fallbackHandlerRegistry(options.fallback());
    }
    // The builder calls the interceptor first that was added last.
    for (ServerInterceptor interceptor : interceptors.reversed()) {
      builder.intercept(interceptor);
    }
    builder.intercept(handlers.interceptor());
    builder.intercept(load.interceptor());
    INTERCEPTORS.forEach(builder::intercept);
    Files.deleteIfExists(beside);
    Server server = builder.build().start();
    try {
      Files.setPosixFilePermissions(beside, PosixFilePermissions.fromString(options.mode()));
      Files.move(
          beside, socket, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      server.shutdownNow();
      throw e;
    }
    return new UnixServer(socket, server, handlers);
  }

  /** The temporary name; neither it nor the socket's own is too long. */
  private static Path beside(Path socket) {
    Path beside =
        socket.resolveSibling(
            "." + SEQUENCE.incrementAndGet() + "-" + ProcessHandle.current().pid());
    for (Path path : List.of(socket, beside)) {
      if (path.toString().getBytes(StandardCharsets.UTF_8).length > MAX_PATH) {
        throw new BerthException.InvalidArgument(
            "bind `"
                + path
                + "`: a socket's path has at most "
                + MAX_PATH
                + " bytes; choose a shorter state folder");
      }
    }
    return beside;
  }

  private static ServerCallExecutorSupplier executors(
      HandlerTurns<Object> turns, Handlers handlers, Options options) {
    Set<String> handled = new HashSet<>();
    for (ServerServiceDefinition service : options.services()) {
      for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
        String name = method.getMethodDescriptor().getFullMethodName();
        if (!options.quick().contains(name)) {
          handled.add(name);
        }
      }
    }
    return new ServerCallExecutorSupplier() {
      @Override
      public <Q, A> Executor getExecutor(ServerCall<Q, A> call, Metadata headers) {
        return handled.contains(call.getMethodDescriptor().getFullMethodName())
            ? handlers.counting(turns.of(owner(call, headers, options.bounds())))
            : Runnable::run;
      }
    };
  }

  /**
   * Whose turn a call is: the process's. A service of this instance calls for many, who are told
   * from each other by their namespaces.
   */
  private static Object owner(ServerCall<?, ?> call, Metadata headers, ClientBounds bounds) {
    Peer peer = Peer.of(call);
    if (peer == null) {
      return "in process";
    }
    String namespace = headers.get(CallContext.NAMESPACE_HEADER);
    return bounds.ownWhole() && peer.isOfOwnUser() && namespace != null
        ? new InNamespace(peer, namespace)
        : peer;
  }

  private record InNamespace(Peer peer, String namespace) {}

  /** The path of its socket. */
  public Path socket() {
    return socket;
  }

  /**
   * Lets calls in progress end within the grace, then ends as {@link #close} does. Blocks for at
   * most the grace and what that takes.
   */
  public void stop(long graceMillis) {
    server.shutdown();
    try {
      var _ = server.awaitTermination(graceMillis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close();
  }

  /**
   * Cancels the calls and blocks until their handlers have ended, two seconds at most: a handler
   * that takes back what it had begun still uses what its service closes next. Not to be called by
   * a handler.
   */
  @Override
  public void close() {
    server.shutdownNow();
    try {
      if (!handlers.awaitEnd(HANDLER_MILLIS)) {
        LOG.log(Level.DEBUG, "`{0}` closed: a call has not ended", socket);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
