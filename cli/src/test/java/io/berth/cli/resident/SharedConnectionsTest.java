package io.berth.cli.resident;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The threads of connections that lines share. */
final class SharedConnectionsTest {
  private static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .collect(Collectors.toSet());
  }

  /** Those that a line started would live in its folder, and keep its file system busy. */
  @Test
  void theThreadsThatStayAreStartedBeforeAnyLine() {
    Set<String> before = threads();
    try (SharedConnections _ = new SharedConnections()) {
      Set<String> more = new HashSet<>(threads());
      more.removeAll(before);
      assertTrue(more.stream().anyMatch(name -> name.startsWith("grpc-epoll")), more::toString);
    }
  }
}
