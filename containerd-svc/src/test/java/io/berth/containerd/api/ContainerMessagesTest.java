package io.berth.containerd.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Anys;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecord.Rootfs;
import io.berth.containerd.metadata.ContainerRecord.Runtime;
import io.berth.containerd.metadata.ContainerRecord.Times;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Records in the database outlive the build that wrote them. */
class ContainerMessagesTest {
  /** Read from the database of a build that kept the generated message itself; every field set. */
  private static final byte[] FULL =
      Base64.getDecoder()
          .decode(
              "CgJjMRIKCgNhcHASA3dlYhINCgR6b25lEgVub3J0aBoeZG9ja2VyLmlvL2xpYnJhcnkvYnVzeWJveDoxLjM2"
                  + "Ij0KFWlvLmNvbnRhaW5lcmQucnVuYy52MhIkChpjb250YWluZXJkLnJ1bmMudjEuT3B0aW9ucxIG"
                  + "WgRydW5jKlAKNnR5cGVzLmNvbnRhaW5lcmQuaW8vb3BlbmNvbnRhaW5lcnMvcnVudGltZS1zcGVj"
                  + "LzEvU3BlYxIWeyJvY2lWZXJzaW9uIjoiMS4wLjIifTIJb3ZlcmxheWZzOgZjMS1rZXlCCwjhk7PY"
                  + "BhCKruUHSgsI4ZOz2AYQiq7lB1IfCgxpby5leGFtcGxlLmISDwoJZXhhbXBsZS5CEgIA/1IbCgxp"
                  + "by5leGFtcGxlLmESCwoJZXhhbXBsZS5BWgNib3g=");

  /** From the same database: what a client sets at least. */
  private static final byte[] BARE =
      Base64.getDecoder()
          .decode(
              "CgRiYXJlIhcKFWlvLmNvbnRhaW5lcmQucnVuYy52Miq0AQo2dHlwZXMuY29udGFpbmVyZC5pby9vcGVuY29u"
                  + "dGFpbmVycy9ydW50aW1lLXNwZWMvMS9TcGVjEnp7Im9jaVZlcnNpb24iOiIxLjAuMiIsInByb2Nl"
                  + "c3MiOnsiYXJncyI6WyJ0cnVlIl0sImN3ZCI6Ii8ifSwicm9vdCI6eyJwYXRoIjoicm9vdGZzIn0s"
                  + "ImxpbnV4Ijp7ImNncm91cHNQYXRoIjoiL3Rlc3QvYmFyZSJ9fUIMCOGTs9gGEKnvx7wBSgwI4ZOz"
                  + "2AYQqe/HvAE=");

  private final ContainerMessages messages = new ContainerMessages();

  @Test
  void recordOfAnOlderBuild_isReadFieldByField() {
    Map<String, Any> extensions = new LinkedHashMap<>();
    extensions.put("io.example.b", Anys.of("example.B", ByteString.fromHex("00ff")));
    extensions.put("io.example.a", Any.newBuilder().setTypeUrl("example.A").build());
    Instant made = Instant.ofEpochSecond(1_796_000_225L, 16_340_746);
    assertEquals(
        new ContainerRecord(
            "c1",
            Map.of("app", "web", "zone", "north"),
            "docker.io/library/busybox:1.36",
            new Runtime(
                "io.containerd.runc.v2",
                Anys.of("containerd.runc.v1.Options", ByteString.fromHex("5a0472756e63"))),
            Anys.of(Anys.SPEC, ByteString.copyFromUtf8("{\"ociVersion\":\"1.0.2\"}")),
            new Rootfs("overlayfs", "c1-key"),
            extensions,
            "box",
            new Times(made, made)),
        messages.decode(FULL));
    ContainerRecord bare = messages.decode(BARE);
    assertEquals("bare", bare.id());
    assertEquals(Any.getDefaultInstance(), bare.runtime().options());
    assertEquals(Rootfs.NONE, bare.rootfs());
    assertEquals(Map.of(), bare.labels());
  }

  @Test
  void recordOfAnOlderBuild_isWrittenByteForByte() {
    for (byte[] stored : List.of(FULL, BARE)) {
      assertArrayEquals(stored, messages.encode(messages.decode(stored)));
    }
  }

  @Test
  void bytesThatAreNoRecord_areDataLoss() {
    assertThrows(BerthException.DataLoss.class, () -> messages.decode(new byte[] {10, 100, 1}));
  }
}
