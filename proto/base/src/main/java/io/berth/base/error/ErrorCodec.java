package io.berth.base.error;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import org.jspecify.annotations.Nullable;

/**
 * {@link BerthException} to {@link Status} and back; its {@link ErrorDetail} goes beside the
 * status, by {@link ErrorDetails}.
 *
 * <p>On the wire a message ends with its class text ({@code : not found}). That ending is part of
 * containerd's protocol and no free text: its clients tell a conflict and "not modified" from a
 * failed precondition, all FAILED_PRECONDITION, by nothing else ({@code ToNative} in
 * containerd/errdefs, pkg/errgrpc/grpc.go). Reading takes one such ending off again.
 */
public final class ErrorCodec {
  private ErrorCodec() {}

  /**
   * The status of any failure: what is neither a {@link BerthException} nor a gRPC status becomes
   * INTERNAL, or CANCELLED if it is an interrupt.
   */
  public static Status toStatus(Throwable failure) {
    return switch (failure) {
      case BerthException known ->
          code(known).toStatus().withDescription(text(known)).withCause(known);
      case StatusRuntimeException status -> status.getStatus();
      case StatusException status -> status.getStatus();
      case InterruptedException interrupted ->
          Status.CANCELLED.withDescription("cancelled").withCause(interrupted);
      default ->
          Status.INTERNAL
              .withDescription(oneLine(String.valueOf(failure.getMessage())) + ": internal")
              .withCause(failure);
    };
  }

  /**
   * The exception for a status that a service of Berth, or containerd, answered.
   *
   * @param trailers of the call, for an {@link ErrorDetail}; null if they are not known
   */
  public static BerthException fromStatus(
      Status status, @Nullable Metadata trailers, @Nullable Throwable cause) {
    Status told = status;
    if (trailers != null && !ErrorDetails.areAnswers(trailers)) {
      told =
          switch (status.getCode()) {
            case UNAVAILABLE -> status.withDescription("nobody answers, or the answer broke off");
            // A service that ends in good order cancels the calls that it has not answered.
            case CANCELLED -> status.withDescription("broken off before it was answered");
            default -> status;
          };
    }
    BerthException meant = meant(told, cause);
    ErrorDetail detail = ErrorDetails.of(trailers);
    return detail == null ? meant : meant.with(detail);
  }

  private static BerthException meant(Status status, @Nullable Throwable cause) {
    String description = status.getDescription();
    String text = description == null ? status.getCode().name() : description;
    return switch (status.getCode()) {
      case INVALID_ARGUMENT ->
          new BerthException.InvalidArgument(strip(text, "invalid argument"), cause);
      case NOT_FOUND -> new BerthException.NotFound(strip(text, "not found"), cause);
      case ALREADY_EXISTS -> new BerthException.AlreadyExists(strip(text, "already exists"), cause);
      case PERMISSION_DENIED ->
          new BerthException.PermissionDenied(strip(text, "permission denied"), cause);
      case RESOURCE_EXHAUSTED ->
          new BerthException.ResourceExhausted(strip(text, "resource exhausted"), cause);
      case FAILED_PRECONDITION -> failedPrecondition(text, cause);
      case ABORTED -> new BerthException.Aborted(strip(text, "aborted"), cause);
      case OUT_OF_RANGE -> new BerthException.OutOfRange(strip(text, "out of range"), cause);
      case UNIMPLEMENTED ->
          new BerthException.NotImplemented(strip(text, "not implemented"), cause);
      case INTERNAL -> new BerthException.Internal(strip(text, "internal"), cause);
      case UNAVAILABLE -> new BerthException.Unavailable(strip(text, "unavailable"), cause);
      case DATA_LOSS -> new BerthException.DataLoss(strip(text, "data loss"), cause);
      case UNAUTHENTICATED ->
          new BerthException.Unauthenticated(strip(text, "unauthorized"), cause);
      case CANCELLED -> new BerthException.Cancelled(text, cause);
      case DEADLINE_EXCEEDED -> new BerthException.DeadlineExceeded(text, cause);
      case UNKNOWN, OK -> new BerthException.Unknown(text, cause);
    };
  }

  /**
   * The exception meant by a failed client call; anything else is passed on as {@link
   * BerthException.Internal}.
   */
  public static BerthException fromCall(Throwable failure) {
    return switch (failure) {
      case BerthException known -> known;
      case StatusRuntimeException status ->
          fromStatus(status.getStatus(), status.getTrailers(), status);
      case StatusException status -> fromStatus(status.getStatus(), status.getTrailers(), status);
      default ->
          new BerthException.Internal(oneLine(String.valueOf(failure.getMessage())), failure);
    };
  }

  /** The gRPC code that stands for a failure's class; several classes share one. */
  private static Code code(BerthException failure) {
    return switch (failure) {
      case BerthException.InvalidArgument _ -> Code.INVALID_ARGUMENT;
      case BerthException.NotFound _ -> Code.NOT_FOUND;
      case BerthException.AlreadyExists _ -> Code.ALREADY_EXISTS;
      case BerthException.PermissionDenied _ -> Code.PERMISSION_DENIED;
      case BerthException.ResourceExhausted _ -> Code.RESOURCE_EXHAUSTED;
      case BerthException.FailedPrecondition _,
          BerthException.Conflict _,
          BerthException.NotModified _ ->
          Code.FAILED_PRECONDITION;
      case BerthException.Aborted _ -> Code.ABORTED;
      case BerthException.OutOfRange _ -> Code.OUT_OF_RANGE;
      case BerthException.NotImplemented _ -> Code.UNIMPLEMENTED;
      case BerthException.Internal _ -> Code.INTERNAL;
      case BerthException.Unavailable _ -> Code.UNAVAILABLE;
      case BerthException.DataLoss _ -> Code.DATA_LOSS;
      case BerthException.Unauthenticated _ -> Code.UNAUTHENTICATED;
      case BerthException.Cancelled _ -> Code.CANCELLED;
      case BerthException.DeadlineExceeded _ -> Code.DEADLINE_EXCEEDED;
      case BerthException.Unknown _ -> Code.UNKNOWN;
    };
  }

  private static String text(BerthException failure) {
    String suffix =
        switch (failure) {
          case BerthException.InvalidArgument _ -> "invalid argument";
          case BerthException.NotFound _ -> "not found";
          case BerthException.AlreadyExists _ -> "already exists";
          case BerthException.PermissionDenied _ -> "permission denied";
          case BerthException.ResourceExhausted _ -> "resource exhausted";
          case BerthException.FailedPrecondition _ -> "failed precondition";
          case BerthException.Conflict _ -> "conflict";
          case BerthException.NotModified _ -> "not modified";
          case BerthException.Aborted _ -> "aborted";
          case BerthException.OutOfRange _ -> "out of range";
          case BerthException.NotImplemented _ -> "not implemented";
          case BerthException.Internal _ -> "internal";
          case BerthException.Unavailable _ -> "unavailable";
          case BerthException.DataLoss _ -> "data loss";
          case BerthException.Unauthenticated _ -> "unauthorized";
          case BerthException.Cancelled _,
              BerthException.DeadlineExceeded _,
              BerthException.Unknown _ ->
              "";
        };
    String message = oneLine(String.valueOf(failure.getMessage()));
    return suffix.isEmpty() || message.endsWith(": " + suffix) ? message : message + ": " + suffix;
  }

  private static BerthException failedPrecondition(String text, @Nullable Throwable cause) {
    if (text.equals("conflict") || text.endsWith(": conflict")) {
      return new BerthException.Conflict(strip(text, "conflict"), cause);
    }
    if (text.equals("not modified") || text.endsWith(": not modified")) {
      return new BerthException.NotModified(strip(text, "not modified"), cause);
    }
    return new BerthException.FailedPrecondition(strip(text, "failed precondition"), cause);
  }

  private static String strip(String text, String suffix) {
    return text.endsWith(": " + suffix)
        ? text.substring(0, text.length() - suffix.length() - 2)
        : text;
  }

  private static String oneLine(String text) {
    return text.replace('\n', ' ');
  }
}
