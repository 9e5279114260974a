package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.task.Exit;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Case V8: what is said of a container that the kernel killed for want of memory. */
final class OutOfMemoryTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      textBlock =
          """
          137! true!  67108864! 134217728! killed: out of memory (limit 64 MiB, with swap 128 MiB)
          137! true!  67108864!  67108864! killed: out of memory (limit 64 MiB, without swap)
          137! true! 100000000!        -1! killed: out of memory (limit 95.4 MiB, with all of the host's swap)
          137! true!         0!         0! killed: out of memory (it has no limit of its own: the host's or its cgroup parent's memory is used up)
          137! false! 67108864!         0! ''
            1! true!  67108864!         0! ''
          """)
  void theWordNamesTheLimit(int status, boolean oom, long memory, long swap, String word) {
    HostConfig host =
        HostConfig.newBuilder()
            .setResources(Resources.newBuilder().setMemory(memory).setMemorySwap(swap))
            .build();
    Exit exit = new Exit(7, status, Instant.EPOCH, oom, false);
    assertEquals(word, OutOfMemory.word(exit, HostMessages.read(host)));
  }
}
