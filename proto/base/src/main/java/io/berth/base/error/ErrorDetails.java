package io.berth.base.error;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.berth.linux.Errno;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@link ErrorDetail} to the trailers of a call and back: a {@code google.rpc.ErrorInfo} inside of
 * a {@code google.rpc.Status} in {@code grpc-status-details-bin}, which every client library of
 * gRPC decodes. Promised to clients in {@code berth/error/v1/error.proto}.
 */
public final class ErrorDetails {
  /** The trailer of gRPC's richer error model. */
  public static final Metadata.Key<byte[]> TRAILER =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  /** The header of a call whose client wants details from every service. */
  public static final Metadata.Key<String> HEADER =
      Metadata.Key.of("berth-error-details", Metadata.ASCII_STRING_MARSHALLER);

  /** In the trailers of a failure after other answers, where the next key is not. */
  private static final Metadata.Key<String> ANSWERED =
      Metadata.Key.of("berth-answered", Metadata.ASCII_STRING_MARSHALLER);

  /** In the trailers of a failure that is a call's only answer, as gRPC over HTTP/2 has it. */
  private static final Metadata.Key<String> CONTENT_TYPE =
      Metadata.Key.of("content-type", Metadata.ASCII_STRING_MARSHALLER);

  /** The size of trailers, in bytes, that a client with {@link #HEADER} takes. */
  public static final int WANTED_BYTES = 64 << 10;

  // The libraries for Java and Python take 8 KiB of trailers unless told otherwise.
  private static final int USUAL_BYTES = 7 << 10;

  private static final String DOMAIN = "berth";

  // Python and Rust find no message in an Any whose url has no slash; Go takes either.
  private static final String ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";

  private ErrorDetails() {}

  /**
   * Whether a call is told details. The client of containerd 2 appends the text of each to the
   * error's own ({@code ToNative} in containerd/errdefs, pkg/errgrpc/grpc.go), so that a service
   * which such clients call sends none unless it is asked to.
   *
   * @param method its full name, {@code package.Service/Method}
   */
  public static boolean areWanted(String method, Metadata headers) {
    return method.startsWith("berth.") || headers.containsKey(HEADER);
  }

  /** Marks the trailers of a failure, whose client wants details, as a service's answer. */
  public static void markAnswer(Metadata trailers) {
    trailers.discardAll(ANSWERED);
    trailers.put(ANSWERED, "1");
  }

  /**
   * Whether these are the trailers of a failure that a service answered. Any other failure was made
   * up by this side of the connection, and its text tells of that connection's inside.
   */
  public static boolean areAnswers(Metadata trailers) {
    return trailers.containsKey(ANSWERED) || trailers.containsKey(CONTENT_TYPE);
  }

  /** Takes all of that from the trailers of a call whose client does not want it. */
  public static void strip(Metadata trailers) {
    trailers.discardAll(TRAILER);
    trailers.discardAll(ANSWERED);
  }

  /**
   * Adds the detail of a failure, if it has one, to a call's trailers.
   *
   * @param status what the call ends with; repeated in the trailer, where Go's library reads it
   * @param headers of the call, for what its client takes
   */
  public static void put(
      BerthException failure, Status status, Metadata headers, Metadata trailers) {
    ErrorDetail detail = failure.detail();
    if (detail == null) {
      return;
    }
    String text = status.getDescription() == null ? "" : status.getDescription();
    byte[] encoded =
        com.google.rpc.Status.newBuilder()
            .setCode(status.getCode().value())
            .setMessage(text)
            .addDetails(
                Any.newBuilder().setTypeUrl(ERROR_INFO).setValue(errorInfo(detail).toByteString()))
            .build()
            .toByteArray();
    int taken = headers.containsKey(HEADER) ? WANTED_BYTES : USUAL_BYTES;
    if (sizeOfText(text) + base64(encoded.length) <= taken) {
      trailers.discardAll(TRAILER);
      trailers.put(TRAILER, encoded);
    }
  }

  /** The detail in a call's trailers; null without one, or with one that is not known here. */
  public static @Nullable ErrorDetail of(@Nullable Metadata trailers) {
    byte[] encoded = trailers == null ? null : trailers.get(TRAILER);
    if (encoded == null) {
      return null;
    }
    try {
      for (Any each : com.google.rpc.Status.parseFrom(encoded).getDetailsList()) {
        if (each.getTypeUrl().equals(ERROR_INFO)) {
          ErrorInfo info = ErrorInfo.parseFrom(each.getValue());
          if (info.getDomain().equals(DOMAIN)) {
            return detail(info.getReason(), info.getMetadataMap());
          }
        }
      }
    } catch (InvalidProtocolBufferException damaged) {
      // The failure itself is known by its code and text; a detail that cannot be read is none.
      return null;
    }
    return null;
  }

  private static ErrorInfo errorInfo(ErrorDetail detail) {
    ErrorInfo.Builder info = ErrorInfo.newBuilder().setDomain(DOMAIN);
    switch (detail) {
      case LaunchFailure launch -> {
        info.setReason(launch.kind().name())
            .putMetadata("object", launch.object())
            .putMetadata("errno", launch.errno().name());
        launch.exitCode().ifPresent(code -> info.putMetadata("exit_code", Integer.toString(code)));
      }
      case Obstacle obstacle -> {
        info.setReason(obstacle.reason().name())
            .putMetadata("object_kind", word(obstacle.object().kind()))
            .putMetadata("object", obstacle.object().name());
        Obstacle.Subject holder = obstacle.holder();
        if (holder != null) {
          info.putMetadata("holder_kind", word(holder.kind())).putMetadata("holder", holder.name());
        }
      }
    }
    return info.build();
  }

  private static @Nullable ErrorDetail detail(String reason, Map<String, String> metadata) {
    LaunchFailure.Kind kind = constant(LaunchFailure.Kind.class, reason);
    if (kind != null) {
      Errno errno = constant(Errno.class, metadata.getOrDefault("errno", ""));
      return new LaunchFailure(
          kind, metadata.getOrDefault("object", ""), errno == null ? Errno.UNKNOWN : errno);
    }
    Obstacle.Reason obstacle = constant(Obstacle.Reason.class, reason);
    Obstacle.Subject object = subject(metadata, "object_kind", "object");
    return obstacle == null || object == null
        ? null
        : new Obstacle(obstacle, object, subject(metadata, "holder_kind", "holder"));
  }

  private static Obstacle.@Nullable Subject subject(
      Map<String, String> metadata, String kindKey, String nameKey) {
    Obstacle.Kind kind =
        constant(Obstacle.Kind.class, metadata.getOrDefault(kindKey, "").toUpperCase(Locale.ROOT));
    return kind == null ? null : new Obstacle.Subject(kind, metadata.getOrDefault(nameKey, ""));
  }

  private static String word(Obstacle.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  private static <E extends Enum<E>> @Nullable E constant(Class<E> type, String name) {
    for (E each : type.getEnumConstants()) {
      if (each.name().equals(name)) {
        return each;
      }
    }
    return null;
  }

  // The text stands percent-encoded in a trailer of its own, grpc-message.
  private static int sizeOfText(String text) {
    int size = 0;
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      size += each >= ' ' && each <= '~' && each != '%' ? 1 : 3;
    }
    return size;
  }

  private static int base64(int bytes) {
    return (bytes + 2) / 3 * 4;
  }
}
