package io.berth.containerd.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.events.ContainerCreate;
import io.berth.api.containerd.events.TaskCreate;
import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.events.TaskIO;
import io.berth.api.containerd.types.Mount;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.event.Occurrence.ContainerCreated;
import io.berth.containerd.event.Occurrence.ContainerDeleted;
import io.berth.containerd.event.Occurrence.ContainerUpdated;
import io.berth.containerd.event.Occurrence.ExecAdded;
import io.berth.containerd.event.Occurrence.ExecStarted;
import io.berth.containerd.event.Occurrence.HealthChanged;
import io.berth.containerd.event.Occurrence.NamespaceCreated;
import io.berth.containerd.event.Occurrence.NamespaceDeleted;
import io.berth.containerd.event.Occurrence.NamespaceUpdated;
import io.berth.containerd.event.Occurrence.TaskCreated;
import io.berth.containerd.event.Occurrence.TaskDeleted;
import io.berth.containerd.event.Occurrence.TaskExited;
import io.berth.containerd.event.Occurrence.TaskOutOfMemory;
import io.berth.containerd.event.Occurrence.TaskPaused;
import io.berth.containerd.event.Occurrence.TaskResumed;
import io.berth.containerd.event.Occurrence.TaskStarted;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What happens here, in the messages that clients of containerd know. */
class OccurrenceMessagesTest {
  private static final Instant AT = Instant.ofEpochSecond(5, 6);
  private static final TaskCreated CREATED =
      new TaskCreated(
          "c",
          "/b",
          List.of(new RootfsMount("overlay", "overlay", "", List.of("ro"))),
          new Stdio("i", "o", "e", true),
          7);

  private final OccurrenceMessages messages = new OccurrenceMessages();

  @Test
  void everyOccurrence_hasAMessageThatFiltersCanRead() {
    List<Occurrence> all =
        List.of(
            new ContainerCreated("c", "i", "r", Any.getDefaultInstance()),
            new ContainerUpdated("c", "i", Map.of("a", "b"), "k"),
            new ContainerDeleted("c"),
            new HealthChanged("c", "n", "healthy"),
            new NamespaceCreated("n", Map.of("a", "b")),
            new NamespaceUpdated("n", Map.of()),
            new NamespaceDeleted("n"),
            CREATED,
            new TaskStarted("c", 7),
            new TaskExited("c", "e", 7, 143, AT),
            new TaskDeleted("c", 7, 143, AT),
            new TaskOutOfMemory("c"),
            new TaskPaused("c"),
            new TaskResumed("c"),
            new ExecAdded("c", "e"),
            new ExecStarted("c", "e", 8));
    assertEquals(
        Set.of(Occurrence.class.getPermittedSubclasses()),
        all.stream().map(Object::getClass).collect(Collectors.toSet()));
    for (Occurrence each : all) {
      assertNotNull(messages.decode(messages.encode(each)), each.topic());
    }
    assertEquals(
        all.size(), all.stream().map(Occurrence::topic).collect(Collectors.toSet()).size());
  }

  @Test
  void messages_carryEveryField() {
    Any options = Anys.of("x.Options", ByteString.copyFromUtf8("v"));
    assertEquals(
        Anys.pack(
            ContainerCreate.newBuilder()
                .setId("c")
                .setImage("i")
                .setRuntime(ContainerCreate.Runtime.newBuilder().setName("r").setOptions(options))
                .build()),
        messages.encode(new ContainerCreated("c", "i", "r", options)));
    assertEquals(
        Anys.pack(
            TaskCreate.newBuilder()
                .setContainerId("c")
                .setBundle("/b")
                .addRootfs(
                    Mount.newBuilder().setType("overlay").setSource("overlay").addOptions("ro"))
                .setIo(
                    TaskIO.newBuilder()
                        .setStdin("i")
                        .setStdout("o")
                        .setStderr("e")
                        .setTerminal(true))
                .setPid(7)
                .build()),
        messages.encode(CREATED));
    assertEquals(
        Anys.pack(
            TaskExit.newBuilder()
                .setContainerId("c")
                .setId("e")
                .setPid(7)
                .setExitStatus(143)
                .setExitedAt(Timestamps.of(AT))
                .build()),
        messages.encode(new TaskExited("c", "e", 7, 143, AT)));
  }

  @Test
  void unknownOrBrokenPayloads_haveNoMessage() {
    assertNull(messages.decode(Anys.of("some.Thing", ByteString.EMPTY)));
    assertNull(
        messages.decode(
            Anys.of("containerd.events.TaskExit", ByteString.copyFrom(new byte[] {10, 100, 1}))));
  }
}
