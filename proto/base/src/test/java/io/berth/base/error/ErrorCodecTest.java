package io.berth.base.error;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.grpc.Status;
import io.grpc.Status.Code;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ErrorCodecTest {
  static List<Class<?>> leaves() {
    return List.of(BerthException.class.getPermittedSubclasses());
  }

  @ParameterizedTest
  @MethodSource("leaves")
  void everyLeafCrossesTheWireAndComesBackAsItself(Class<? extends BerthException> leaf)
      throws Exception {
    BerthException sent = leaf.getConstructor(String.class).newInstance("open `x`: gone");
    BerthException back = ErrorCodec.fromStatus(ErrorCodec.toStatus(sent), null, null);
    assertEquals(leaf, back.getClass());
    assertEquals("open `x`: gone", back.getMessage());
  }

  @Test
  void aConflictIsToldFromAFailedPreconditionByItsEnding() {
    assertEquals(
        "lock: conflict",
        ErrorCodec.toStatus(new BerthException.Conflict("lock")).getDescription());
    assertInstanceOf(
        BerthException.Conflict.class,
        ErrorCodec.fromStatus(
            Status.FAILED_PRECONDITION.withDescription("x: conflict"), null, null));
    assertInstanceOf(
        BerthException.FailedPrecondition.class,
        ErrorCodec.fromStatus(Status.FAILED_PRECONDITION.withDescription("x"), null, null));
  }

  @Test
  void theEndingIsNotSaidTwice() {
    assertEquals(
        "task x: not found",
        ErrorCodec.toStatus(new BerthException.NotFound("task x: not found")).getDescription());
  }

  @Test
  void anUnforeseenFailureIsInternalAndOneLine() {
    Status status = ErrorCodec.toStatus(new IllegalStateException("a\nb"));
    assertEquals(Code.INTERNAL, status.getCode());
    assertEquals("a b: internal", status.getDescription());
  }
}
