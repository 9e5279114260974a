package io.berth.base.io;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A number in a file that several processes map: one counts its changes up, others see at the cost
 * of a read from memory whether what they remember is still true. The file must stay where it is as
 * long as anybody has it open. Thread-safe; never blocks once open.
 */
public final class SharedCounter {
  private static final VarHandle VALUE =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final ByteBuffer page;

  private SharedCounter(ByteBuffer page) {
    this.page = page;
  }

  /** Opens the file, or makes it with the value 0 and mode 0600; whoever comes first. */
  public static SharedCounter open(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      return new SharedCounter(channel.map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES));
    }
  }

  /** Everything that happened before is visible to whoever sees the new value. */
  public void increase() {
    VALUE.getAndAdd(page, 0, 1L);
  }

  /** The value now. */
  public long value() {
    return (long) VALUE.getVolatile(page, 0);
  }
}
