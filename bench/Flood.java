import com.google.protobuf.Empty;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a process takes from another one that floods the same socket: {@code Flood ROUNDS NAME
 * SOCKET PID ...}. The other one asks for a thousand subscriptions to events on each of twenty
 * connections and reads none, and opens 4,000 connections that say nothing; it holds whatever it is
 * given. Version is asked over a connection that stays, and over a new one each time. Then each
 * kind of hostile client has its turn, once and, of some, by 64 processes at the first of the
 * sockets; the bound beside is what the same 64 cost it while they are at the last one.
 */
final class Flood {
  private static final int CHANNELS = 20;
  private static final int SUBSCRIPTIONS = 1000;
  private static final int IDLE = 4000;
  private static final int WARM_UPS = 200;
  private static final long QUIET_MILLIS = 500;
  private static final String HOSTILE = "io.berth.e2e.HostileClient";
  private static final int HOSTILE_CALLS = 200;
  private static final int CROWD = 64;
  private static final List<String> CROWDS =
      List.of("connections", "prefaces", "streams", "calls", "resets", "pings", "halves", "deaf");

  private Flood() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("flood")) {
      flood(Path.of(arguments[1]));
      return;
    }
    int rounds = Integer.parseInt(arguments[0]) * 100;
    System.out.printf(Locale.ROOT, "%nflood: Version of a second process: ms, %d calls%n", rounds);
    for (int i = 1; i + 2 < arguments.length; i += 3) {
      String name = arguments[i];
      Path socket = Path.of(arguments[i + 1]);
      print(name, "alone", measure(socket, rounds));
      Process flooding = other(socket);
      try {
        BufferedReader told = flooding.inputReader();
        String taken = Objects.requireNonNull(told.readLine(), "the flood has ended");
        print(name, "beside the flood", measure(socket, rounds));
        System.out.println("  " + name + ": " + taken);
      } finally {
        flooding.destroyForcibly().waitFor();
      }
    }
    System.out.printf(
        Locale.ROOT, "%nhostile clients: ms, %d calls; KiB before, during, after%n", HOSTILE_CALLS);
    for (String kind : program(HOSTILE, "kinds").inputReader().lines().toList()) {
      for (int i = 1; i + 2 < arguments.length; i += 3) {
        Path socket = Path.of(arguments[i + 1]);
        hostile(arguments[i], socket, arguments[i + 2], kind, 1, socket);
      }
      if (CROWDS.contains(kind)) {
        Path first = Path.of(arguments[2]);
        hostile(arguments[1], first, arguments[3], kind, CROWD, first);
        Path last = Path.of(arguments[arguments.length - 2]);
        hostile("bound", first, arguments[3], kind, CROWD, last);
      }
    }
  }

  private static void hostile(
      String name, Path socket, String pid, String kind, int processes, Path attacked)
      throws Exception {
    long before = memory(pid);
    List<Process> attackers = new ArrayList<>();
    try {
      for (int i = 0; i < processes; i++) {
        attackers.add(program(HOSTILE, kind, attacked.toString()));
      }
      for (Process attacker : attackers) {
        Objects.requireNonNull(attacker.inputReader().readLine(), "the attacker has ended");
      }
      print(name, kind + (processes == 1 ? "" : " x" + processes), measure(socket, HOSTILE_CALLS));
      long during = memory(pid);
      for (Process attacker : attackers) {
        attacker.destroyForcibly().waitFor();
      }
      Thread.sleep(QUIET_MILLIS);
      System.out.printf(
          Locale.ROOT, "  %-12s memory %d, %d, %d%n", name, before, during, memory(pid));
    } finally {
      attackers.forEach(Process::destroyForcibly);
    }
  }

  private static long memory(String pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc", pid, "status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("no memory in the status of process " + pid);
  }

  /** This program again, as the one that floods. */
  private static Process other(Path socket) throws IOException {
    return program(Flood.class.getName(), "flood", socket.toString());
  }

  /** Another program of this class path; its processors' time is the least of all. */
  private static Process program(String name, String... arguments) throws IOException {
    ProcessHandle.Info own = ProcessHandle.current().info();
    List<String> all = Arrays.asList(own.arguments().orElseThrow());
    List<String> line = new ArrayList<>();
    if (name.equals(HOSTILE)) {
      line.addAll(List.of("nice", "-n", "19"));
    }
    line.add(own.command().orElseThrow());
    line.addAll(all.subList(0, all.indexOf(Flood.class.getName())));
    line.add(name);
    line.addAll(List.of(arguments));
    return new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static void print(String name, String when, double[][] millis) {
    String[] how = {"one connection", "a new one each"};
    for (int i = 0; i < how.length; i++) {
      double[] sorted = millis[i].clone();
      Arrays.sort(sorted);
      System.out.printf(
          Locale.ROOT,
          "  %-12s %-18s %-16s p50 %8.2f  p99 %8.2f  max %8.2f%n",
          name,
          when,
          how[i],
          sorted[sorted.length / 2],
          sorted[sorted.length * 99 / 100],
          sorted[sorted.length - 1]);
    }
  }

  private static double[][] measure(Path socket, int rounds) throws Exception {
    double[][] millis = new double[2][rounds];
    int failed = 0;
    try (EventLoops loops = new EventLoops(1)) {
      ManagedChannel kept = UnixChannel.to(loops, socket);
      try {
        for (int round = -WARM_UPS; round < rounds; round++) {
          long first = System.nanoTime();
          failed += answers(kept) ? 0 : 1;
          double over = (System.nanoTime() - first) / 1e6;
          long start = System.nanoTime();
          ManagedChannel own = UnixChannel.to(loops, socket);
          try {
            failed += answers(own) ? 0 : 1;
          } finally {
            own.shutdownNow();
          }
          if (round >= 0) {
            millis[0][round] = over;
            millis[1][round] = (System.nanoTime() - start) / 1e6;
          }
          own.awaitTermination(1, TimeUnit.SECONDS);
        }
      } finally {
        kept.shutdownNow();
      }
    }
    if (failed > 0) {
      System.out.println("  of the next, calls without an answer: " + failed);
    }
    return millis;
  }

  private static void call(ManagedChannel channel) {
    Objects.requireNonNull(
        VersionGrpc.newBlockingStub(channel).version(Empty.getDefaultInstance()));
  }

  /** A refusal, of a call or by the kernel's full queue, is as bad as an answer that is late. */
  private static boolean answers(ManagedChannel channel) {
    try {
      call(channel);
      return true;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  // --- the other process

  private static void flood(Path socket) throws Exception {
    AtomicInteger refused = new AtomicInteger();
    EventLoops loops = new EventLoops(1);
    List<ManagedChannel> channels = new ArrayList<>();
    for (int i = 0; i < CHANNELS; i++) {
      ManagedChannel channel = UnixChannel.to(loops, socket);
      channels.add(channel);
      EventsGrpc.EventsStub events = UnixChannel.in(EventsGrpc.newStub(channel), "bench", null);
      for (int j = 0; j < SUBSCRIPTIONS; j++) {
        events.subscribe(SubscribeRequest.getDefaultInstance(), new Deaf(refused));
      }
    }
    for (ManagedChannel channel : channels) {
      passed(channel);
    }
    List<SocketChannel> idle = new ArrayList<>();
    for (int i = 0; i < IDLE; i++) {
      SocketChannel open = open(socket);
      if (open != null) {
        idle.add(open);
      }
    }
    int before;
    do {
      before = refused.get();
      Thread.sleep(QUIET_MILLIS);
    } while (refused.get() != before);
    System.out.println(
        "holds "
            + (CHANNELS * SUBSCRIPTIONS - before)
            + " of "
            + CHANNELS * SUBSCRIPTIONS
            + " subscriptions, "
            + idle.stream().filter(Flood::isOpen).count()
            + " of "
            + IDLE
            + " idle connections");
    Thread.sleep(Long.MAX_VALUE);
  }

  /** Returns once the server has seen all that was sent on a connection before. */
  private static void passed(ManagedChannel channel) {
    try {
      call(channel);
    } catch (StatusRuntimeException refused) {
      if (refused.getStatus().getCode() != Status.Code.RESOURCE_EXHAUSTED) {
        throw refused;
      }
    }
  }

  private static SocketChannel open(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      channel.configureBlocking(false);
      return channel;
    } catch (IOException full) {
      channel.close();
      return null;
    }
  }

  /** Whether the server has not hung up; what it says first is read away. */
  private static boolean isOpen(SocketChannel channel) {
    try {
      ByteBuffer bytes = ByteBuffer.allocate(1 << 14);
      int count = channel.read(bytes);
      while (count > 0) {
        bytes.clear();
        count = channel.read(bytes);
      }
      return count == 0;
    } catch (IOException closed) {
      return false;
    }
  }

  /** Subscribes and asks for nothing. */
  private record Deaf(AtomicInteger refused)
      implements ClientResponseObserver<SubscribeRequest, Envelope> {
    @Override
    public void beforeStart(ClientCallStreamObserver<SubscribeRequest> call) {
      call.disableAutoRequestWithInitial(0);
    }

    @Override
    public void onNext(Envelope event) {}

    @Override
    public void onError(Throwable why) {
      refused.incrementAndGet();
    }

    @Override
    public void onCompleted() {}
  }
}
