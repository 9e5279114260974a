package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What a process is to become: {@link Step}s that the supervisor, and then the child, carry out one
 * after another; the first that fails ends it. Whoever lists the steps decides their order, but
 * those {@link Step.AroundClone around the clone} stand first.
 *
 * <p>A plan holds the bytes that C reads, and beside them the descriptors that steps refer to.
 * These are borrowed and must stay open until the supervisor has answered. Plans do not change.
 */
public final class LaunchPlan {
  private final byte[] bytes;
  private final List<Fd> descriptors;
  private final int count;

  private LaunchPlan(byte[] bytes, List<Fd> descriptors, int count) {
    this.bytes = bytes;
    this.descriptors = List.copyOf(descriptors);
    this.count = count;
  }

  /** Opens what steps name. What it has opened it closes itself, after the plan was carried out. */
  public interface Descriptors {
    /** The descriptor of a handle; equal handles may share one. */
    Fd open(Handle.Named handle) throws IOException;

    /** The same for a step that uses it up: a detached mount can be attached only once. */
    Fd openAnother(Handle.Named handle) throws IOException;
  }

  /** Opens the ends of streams that steps name, and closes them as {@link Descriptors} does. */
  @FunctionalInterface
  public interface Sinks {
    /**
     * The end of stream 0, 1 or 2.
     *
     * @return a sink that holds an open descriptor, never a {@link Sink.Named}
     */
    Sink open(int stream, Sink.Named to) throws IOException;
  }

  /**
   * A plan for a container's init.
   *
   * @param namespaces {@code CLONE_NEW*} that its clone makes; cgroup and time namespaces are made
   *     by a {@link Step.Unshare}
   * @throws IOException if something that a step names cannot be opened
   * @throws IllegalArgumentException if the plan is larger than {@code protocol.h} allows, or one
   *     of its texts holds a NUL
   */
  public static LaunchPlan init(
      int namespaces, List<Step> steps, Descriptors descriptors, Sinks sinks) throws IOException {
    return encode(Protocol.PLAN_INIT, namespaces, steps, descriptors, sinks);
  }

  /**
   * A plan for another process in a container, which joins namespaces by steps.
   *
   * @throws IOException if something that a step names cannot be opened
   * @throws IllegalArgumentException as for {@link #init}
   */
  public static LaunchPlan exec(List<Step> steps, Descriptors descriptors, Sinks sinks)
      throws IOException {
    return encode(Protocol.PLAN_EXEC, 0, steps, descriptors, sinks);
  }

  private static LaunchPlan encode(
      int kind, int namespaces, List<Step> steps, Descriptors descriptors, Sinks sinks)
      throws IOException {
    WireWriter out = new WireWriter().bytes(new byte[Protocol.PLAN_HEADER_SIZE]);
    StepEncoder encoder = new StepEncoder(out, descriptors, sinks);
    for (Step step : steps) {
      encoder.add(step);
    }
    byte[] bytes = out.align(8).toBytes();
    if (bytes.length > Protocol.PLAN_MAX_BYTES || steps.size() > Protocol.PLAN_MAX_STEPS) {
      throw new IllegalArgumentException(
          "launch plan of "
              + steps.size()
              + " steps and "
              + bytes.length
              + " bytes; at most "
              + Protocol.PLAN_MAX_STEPS
              + " and "
              + Protocol.PLAN_MAX_BYTES);
    }
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(Protocol.PLAN_MAGIC)
        .putShort((short) Protocol.PLAN_VERSION)
        .putShort((short) kind)
        .putInt(bytes.length)
        .putInt(steps.size())
        .putInt(namespaces)
        .putInt(0)
        .putInt(encoder.descriptors().size());
    return new LaunchPlan(bytes, encoder.descriptors(), steps.size());
  }

  /** The plan as C reads it. */
  byte[] bytes() {
    return bytes;
  }

  /** The table of descriptors that steps refer to by index. */
  public List<Fd> descriptors() {
    return descriptors;
  }

  @Override
  public String toString() {
    return "LaunchPlan[" + count + " steps, " + descriptors.size() + " descriptors]";
  }
}
