package io.berth.base.error;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.berth.base.error.Obstacle.Kind;
import io.berth.linux.Errno;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ErrorDetailsTest {
  private static final Metadata PLAIN = new Metadata();

  static List<ErrorDetail> details() {
    List<ErrorDetail> all = new ArrayList<>();
    for (LaunchFailure.Kind kind : LaunchFailure.Kind.values()) {
      all.add(new LaunchFailure(kind, "/bin/a \"b\" ü\n`c`", Errno.ENOENT));
      all.add(new LaunchFailure(kind, "", Errno.UNKNOWN));
    }
    for (Obstacle.Reason reason : Obstacle.Reason.values()) {
      for (Kind kind : Kind.values()) {
        all.add(Obstacle.of(reason, kind, "a"));
        all.add(Obstacle.of(reason, Kind.CONTAINER, "a").heldBy(kind, "b"));
      }
    }
    return all;
  }

  private static Metadata sent(BerthException failure, Metadata headers) {
    Metadata trailers = new Metadata();
    ErrorDetails.put(failure, ErrorCodec.toStatus(failure), headers, trailers);
    return trailers;
  }

  private static Metadata asking() {
    Metadata headers = new Metadata();
    headers.put(ErrorDetails.HEADER, "1");
    return headers;
  }

  @ParameterizedTest
  @MethodSource("details")
  void everyDetailCrossesTheWireAndComesBackAsItself(ErrorDetail detail) {
    BerthException failure = new BerthException.Conflict("x").with(detail);
    Metadata trailers = sent(failure, PLAIN);
    BerthException back = ErrorCodec.fromStatus(ErrorCodec.toStatus(failure), trailers, null);
    assertEquals(BerthException.Conflict.class, back.getClass());
    assertEquals("x", back.getMessage());
    assertEquals(detail, back.detail());
  }

  // As a client does it that knows nothing of this project: StatusProto is gRPC's own.
  @Test
  void aPlainClientReadsALaunchFailure() throws Exception {
    BerthException failure =
        new BerthException.Unknown("exec: \"nope\": executable file not found in $PATH")
            .with(LaunchFailure.ofProgram("nope", Errno.ENOENT));
    com.google.rpc.Status status =
        StatusProto.fromStatusAndTrailers(ErrorCodec.toStatus(failure), sent(failure, PLAIN));
    assertNotNull(status);
    assertEquals(Status.Code.UNKNOWN.value(), status.getCode());
    assertEquals("exec: \"nope\": executable file not found in $PATH", status.getMessage());
    ErrorInfo info = status.getDetails(0).unpack(ErrorInfo.class);
    assertEquals("berth", info.getDomain());
    assertEquals("PROGRAM_NOT_FOUND", info.getReason());
    assertEquals(
        Map.of("object", "nope", "errno", "ENOENT", "exit_code", "127"), info.getMetadataMap());
  }

  @Test
  void aPlainClientReadsAnObstacle() throws Exception {
    BerthException failure =
        new BerthException.AlreadyExists("container name `web` is in use by container 12")
            .with(
                Obstacle.of(Obstacle.Reason.NAME_TAKEN, Kind.CONTAINER, "web")
                    .heldBy(Kind.CONTAINER, "12"));
    com.google.rpc.Status status =
        StatusProto.fromStatusAndTrailers(ErrorCodec.toStatus(failure), sent(failure, PLAIN));
    assertNotNull(status);
    assertEquals(
        "container name `web` is in use by container 12: already exists", status.getMessage());
    assertEquals("type.googleapis.com/google.rpc.ErrorInfo", status.getDetails(0).getTypeUrl());
    ErrorInfo info = status.getDetails(0).unpack(ErrorInfo.class);
    assertEquals("NAME_TAKEN", info.getReason());
    assertEquals(
        Map.of(
            "object_kind", "container",
            "object", "web",
            "holder_kind", "container",
            "holder", "12"),
        info.getMetadataMap());
  }

  @Test
  void theNamesAreThoseThatAreToldToClients() {
    Set<String> told = new TreeSet<>();
    for (var reason : io.berth.api.berth.error.v1.Reason.values()) {
      told.add(reason.name());
    }
    told.removeAll(Set.of("REASON_UNSPECIFIED", "UNRECOGNIZED"));
    Set<String> names = new TreeSet<>();
    Arrays.stream(LaunchFailure.Kind.values()).forEach(kind -> names.add(kind.name()));
    Arrays.stream(Obstacle.Reason.values()).forEach(reason -> names.add(reason.name()));
    assertEquals(told, names);
  }

  @Test
  void onlyServicesOfOursTellDetailsToAClientThatDoesNotAsk() {
    assertTrue(ErrorDetails.areWanted("berth.container.v1.Containers/Start", PLAIN));
    assertFalse(ErrorDetails.areWanted("containerd.services.tasks.v1.Tasks/Create", PLAIN));
    assertTrue(ErrorDetails.areWanted("containerd.services.tasks.v1.Tasks/Create", asking()));
  }

  @Test
  void whatDoesNotFitIntoTheClientsTrailersIsLeftOut() {
    BerthException failure =
        new BerthException.Unknown("a".repeat(4000))
            .with(LaunchFailure.ofProgram("a".repeat(4000), Errno.ENOENT));
    assertNull(ErrorDetails.of(sent(failure, PLAIN)));
    assertEquals(failure.detail(), ErrorDetails.of(sent(failure, asking())));
    BerthException large = new BerthException.Unknown("ü".repeat(20_000));
    large.with(LaunchFailure.ofProgram("x", Errno.ENOENT));
    assertNull(ErrorDetails.of(sent(large, asking())));
  }

  @Test
  void aDetailThatCannotBeReadIsNone() {
    assertNull(ErrorDetails.of(null));
    assertNull(ErrorDetails.of(new Metadata()));
    assertNull(ErrorDetails.of(trailers("damaged".getBytes(StandardCharsets.UTF_8))));
    assertNull(read(ErrorInfo.newBuilder().setDomain("other").setReason("NAME_TAKEN").build()));
    assertNull(read(ErrorInfo.newBuilder().setDomain("berth").setReason("OF_TOMORROW").build()));
    assertNull(
        read(
            ErrorInfo.newBuilder()
                .setDomain("berth")
                .setReason("NAME_TAKEN")
                .putMetadata("object_kind", "something of tomorrow")
                .build()));
  }

  private static ErrorDetail read(ErrorInfo info) {
    return ErrorDetails.of(
        trailers(
            com.google.rpc.Status.newBuilder()
                .addDetails(
                    Any.newBuilder()
                        .setTypeUrl("type.googleapis.com/google.rpc.ErrorInfo")
                        .setValue(info.toByteString()))
                .build()
                .toByteArray()));
  }

  private static Metadata trailers(byte[] encoded) {
    Metadata trailers = new Metadata();
    trailers.put(ErrorDetails.TRAILER, encoded);
    return trailers;
  }
}
