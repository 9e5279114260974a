package io.berth.containerd.api.message;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.berth.api.berth.container.v1.Container;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.settings.RestartPolicy;
import io.berth.containerd.settings.StopSettings;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The stored form of a container is one that older builds wrote and read. */
final class DescriptionMessagesTest {
  private static final TaskKey KEY = new TaskKey("test", "0123456789abcdef".repeat(4));

  /** What changes by itself, or is looked up when it is asked for, is not stored. */
  private static final Set<String> NOT_STORED =
      Set.of("state", "restart_count", "exec_ids", "size_rw", "size_root", "mounts");

  private final DescriptionMessages messages = new DescriptionMessages();
  private int counter;

  private static byte[] recorded() throws IOException {
    try (InputStream in =
        DescriptionMessagesTest.class.getResourceAsStream("/stored/named-container.record")) {
      assertNotNull(in);
      return in.readAllBytes();
    }
  }

  @Test
  void whatABuildWithoutTheseRecordsStored_isReadAndWrittenTheSame() throws IOException {
    byte[] stored = recorded();
    ContainerDescription read = messages.decode(KEY, stored);
    assertEquals("recorded", read.name());
    assertEquals(List.of("/entry", "run", "it"), read.commandLine());
    assertEquals(new StopSettings("SIGINT", 0), read.config().stop());
    assertEquals(List.of("first", "second"), List.copyOf(read.config().labels().keySet()));
    assertEquals(
        new Mount("bind", "/tmp", "/data", true, List.of("nosuid")),
        read.host().storage().mounts().getFirst());
    assertEquals(new RestartPolicy("on-failure", 3), read.host().lifecycle().restart());
    assertEquals(8080, read.network().ports().getFirst().hostPort());
    assertArrayEquals(stored, messages.encode(read));
  }

  @Test
  void noFieldOfTheMessageIsForgotten() throws InvalidProtocolBufferException {
    Container.Builder all = Container.newBuilder();
    fill(all);
    Container stored = all.setId(KEY.id()).setNamespace(KEY.namespace()).build();
    assertEquals(
        stored, Container.parseFrom(messages.encode(messages.decode(KEY, stored.toByteArray()))));
  }

  private void fill(Message.Builder message) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      boolean stored =
          !message.getDescriptorForType().equals(Container.getDescriptor())
              || !NOT_STORED.contains(field.getName());
      if (!stored) {
        continue;
      }
      if (field.isRepeated()) {
        message.addRepeatedField(field, value(message, field));
      } else {
        message.setField(field, value(message, field));
      }
    }
  }

  private Object value(Message.Builder message, FieldDescriptor field) {
    counter++;
    return switch (field.getJavaType()) {
      case INT -> counter;
      case LONG -> (long) counter;
      case BOOLEAN -> true;
      case STRING -> "text " + counter;
      case BYTE_STRING -> ByteString.copyFromUtf8("bytes " + counter);
      case FLOAT, DOUBLE, ENUM -> throw new IllegalStateException("no value for " + field);
      case MESSAGE -> {
        Message.Builder part = message.newBuilderForField(field);
        fill(part);
        yield part.build();
      }
    };
  }

  @Test
  void bytesThatAreNoContainer_areLostData() {
    assertThrows(
        BerthException.DataLoss.class, () -> messages.decode(KEY, new byte[] {(byte) 0xff, 1}));
  }
}
