package io.berth.linux.supervisor;

import static io.berth.linux.supervisor.TestContainer.get;
import static io.berth.linux.supervisor.TestContainer.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java side against the real keeper of descriptors. */
@Tag("root")
final class KeeperConnectionIT {
  @TempDir Path folder;
  private TestContainer container;

  @BeforeEach
  void makeRoot() throws Exception {
    container = new TestContainer(folder);
  }

  @AfterEach
  void end() throws Exception {
    container.close();
  }

  @Test
  void theKeeper_holdsDescriptorsOverConnections() throws Exception {
    Path socket = folder.resolve("keeper.sock");
    Supervisor.spawnKeeper(container.client, TestContainer.PROGRAM.toString(), socket.toString())
        .get(20, TimeUnit.SECONDS);
    try (KeeperConnection keeper = container.client.connectKeeper(socket);
        Fd one = Memfd.sealed("one", "1");
        Fd two = Memfd.sealed("two", "2")) {
      get(keeper.put("b/pair", List.of(one, two)));
      get(keeper.put("a", List.of(two)));
      assertEquals(Errno.EEXIST, refused(keeper.put("a", List.of(one))).errno());
    }
    try (KeeperConnection keeper = container.client.connectKeeper(socket)) {
      assertEquals(
          List.of(new KeeperConnection.Entry("a", 1), new KeeperConnection.Entry("b/pair", 2)),
          get(keeper.list()));
      List<Fd> back = get(keeper.get("b/pair"));
      assertArrayEquals(
          new byte[] {'1', '2'},
          new byte[] {back.get(0).readAll(10)[0], back.get(1).readAll(10)[0]});
      back.forEach(Fd::close);
      get(keeper.drop("a"));
      assertEquals(Errno.ENOENT, refused(keeper.get("a")).errno());
      get(keeper.shutdown());
    }
  }
}
