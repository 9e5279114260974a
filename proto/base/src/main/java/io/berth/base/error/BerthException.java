package io.berth.base.error;

import org.jspecify.annotations.Nullable;

/**
 * A failure that a caller, also one on the other side of a socket, can act on.
 *
 * <p>The leaves are closed: they are the classes that containerd's clients tell apart, three that a
 * transport adds, and {@link Unknown} for answers whose text alone carries the meaning. The message
 * is one line: what was tried, on what (in backquotes), why not, what to do. It has no trailing
 * full stop and no class word; {@link ErrorCodec} adds that on the wire.
 *
 * <p>What a program has to know beside the class is never read from the message: it is an {@link
 * ErrorDetail}.
 */
public abstract sealed class BerthException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  // Not serialized: no exception of this class leaves the process but through ErrorDetails.
  private transient @Nullable ErrorDetail detail;

  private BerthException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Gives this failure its detail, in place of an earlier one; for the one who makes it and before
   * it is thrown. Answers the same exception.
   */
  public final BerthException with(ErrorDetail what) {
    detail = what;
    return this;
  }

  /** What programs may know of this failure; null where there is nothing but class and message. */
  public final @Nullable ErrorDetail detail() {
    return detail;
  }

  /** The one line of text; never null. */
  @Override
  public final String getMessage() {
    return String.valueOf(super.getMessage());
  }

  /** The request itself is wrong, whatever the state of the system. */
  public static final class InvalidArgument extends BerthException {
    private static final long serialVersionUID = 1L;

    public InvalidArgument(String message) {
      this(message, null);
    }

    public InvalidArgument(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** What the request names does not exist (NOT_FOUND on the wire). */
  public static final class NotFound extends BerthException {
    private static final long serialVersionUID = 1L;

    public NotFound(String message) {
      this(message, null);
    }

    public NotFound(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** What the request would make is there already (ALREADY_EXISTS on the wire). */
  public static final class AlreadyExists extends BerthException {
    private static final long serialVersionUID = 1L;

    public AlreadyExists(String message) {
      this(message, null);
    }

    public AlreadyExists(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The caller is not allowed to do this. */
  public static final class PermissionDenied extends BerthException {
    private static final long serialVersionUID = 1L;

    public PermissionDenied(String message) {
      this(message, null);
    }

    public PermissionDenied(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** A bound was reached: of the disk, of memory, or one that is configured. */
  public static final class ResourceExhausted extends BerthException {
    private static final long serialVersionUID = 1L;

    public ResourceExhausted(String message) {
      this(message, null);
    }

    public ResourceExhausted(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The state of the system forbids it; repeating without changing the state is useless. */
  public static final class FailedPrecondition extends BerthException {
    private static final long serialVersionUID = 1L;

    public FailedPrecondition(String message) {
      this(message, null);
    }

    public FailedPrecondition(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** Somebody else has or changes the same thing (FAILED_PRECONDITION on the wire). */
  public static final class Conflict extends BerthException {
    private static final long serialVersionUID = 1L;

    public Conflict(String message) {
      this(message, null);
    }

    public Conflict(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The thing is already as it is wanted (FAILED_PRECONDITION on the wire). */
  public static final class NotModified extends BerthException {
    private static final long serialVersionUID = 1L;

    public NotModified(String message) {
      this(message, null);
    }

    public NotModified(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The call was given up half-way; its caller may repeat the whole of what it was part of. */
  public static final class Aborted extends BerthException {
    private static final long serialVersionUID = 1L;

    public Aborted(String message) {
      this(message, null);
    }

    public Aborted(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The request points outside of what exists, for example at an offset past the end. */
  public static final class OutOfRange extends BerthException {
    private static final long serialVersionUID = 1L;

    public OutOfRange(String message) {
      this(message, null);
    }

    public OutOfRange(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** This program, or this build of it, does not have the function. */
  public static final class NotImplemented extends BerthException {
    private static final long serialVersionUID = 1L;

    public NotImplemented(String message) {
      this(message, null);
    }

    public NotImplemented(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** Berth itself has a defect, or found an invariant of its own broken. */
  public static final class Internal extends BerthException {
    private static final long serialVersionUID = 1L;

    public Internal(String message) {
      this(message, null);
    }

    public Internal(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The call cannot be served now; the same call may succeed later. */
  public static sealed class Unavailable extends BerthException {
    private static final long serialVersionUID = 1L;

    public Unavailable(String message) {
      this(message, null);
    }

    public Unavailable(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * Another of Berth's services was to be asked, and it is not running, does not answer, or cannot
   * do its work now. Nothing was refused: a caller with time waits until it is back and asks again.
   */
  public static final class Absent extends Unavailable {
    private static final long serialVersionUID = 1L;

    public Absent(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** Something that was stored is damaged. */
  public static final class DataLoss extends BerthException {
    private static final long serialVersionUID = 1L;

    public DataLoss(String message) {
      this(message, null);
    }

    public DataLoss(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The caller is not known, or a registry did not accept the credentials. */
  public static final class Unauthenticated extends BerthException {
    private static final long serialVersionUID = 1L;

    public Unauthenticated(String message) {
      this(message, null);
    }

    public Unauthenticated(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The caller went away. */
  public static final class Cancelled extends BerthException {
    private static final long serialVersionUID = 1L;

    public Cancelled(String message) {
      this(message, null);
    }

    public Cancelled(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** The caller's time was over. */
  public static final class DeadlineExceeded extends BerthException {
    private static final long serialVersionUID = 1L;

    public DeadlineExceeded(String message) {
      this(message, null);
    }

    public DeadlineExceeded(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** containerd answers this failure without a class, and its clients know it by the text. */
  public static final class Unknown extends BerthException {
    private static final long serialVersionUID = 1L;

    public Unknown(String message) {
      this(message, null);
    }

    public Unknown(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }
}
