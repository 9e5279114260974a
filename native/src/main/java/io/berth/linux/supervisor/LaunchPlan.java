package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a process is to become: steps that the supervisor, and then the child, carry out one after
 * another; the first that fails ends it. Whoever builds a plan decides the order. The bytes are
 * made here, and the descriptors that steps refer to are kept beside them; they are borrowed and
 * must stay open until the plan has been carried out.
 */
public final class LaunchPlan {
  private final byte[] bytes;
  private final List<Fd> descriptors;
  private final List<String> labels;

  LaunchPlan(byte[] bytes, List<Fd> descriptors, List<String> labels) {
    this.bytes = bytes;
    this.descriptors = List.copyOf(descriptors);
    this.labels = List.copyOf(labels);
  }

  /**
   * A plan for a container's init.
   *
   * @param namespaces {@code CLONE_NEW*} that its clone makes; cgroup and time namespaces are
   *     unshared by a step
   */
  public static Steps init(int namespaces) {
    return new Steps(Protocol.PLAN_INIT, namespaces);
  }

  /** A plan for another process in a container; it joins namespaces by steps. */
  public static Steps exec() {
    return new Steps(Protocol.PLAN_EXEC, 0);
  }

  /** The plan as C reads it. */
  byte[] bytes() {
    return bytes;
  }

  /** The table of descriptors that steps refer to by index. */
  public List<Fd> descriptors() {
    return descriptors;
  }

  /** A line for each step, for people: its name and what it is about. */
  public List<String> labels() {
    return labels;
  }

  /** The line of the step that a failure names, empty if it names none of this plan. */
  public String labelOf(SupervisorException failure) {
    int step = failure.step();
    return step >= 0 && step < labels.size() ? labels.get(step) : "";
  }

  /** How many bytes the plan has. */
  public int length() {
    return bytes.length;
  }

  @Override
  public String toString() {
    return "LaunchPlan[" + labels.size() + " steps, " + descriptors.size() + " descriptors]";
  }

  /** The encoding: header, then each step on a multiple of 8. */
  static final class Encoder {
    private final WireWriter out = new WireWriter();
    private final List<Fd> descriptors = new ArrayList<>();
    private final List<String> labels = new ArrayList<>();
    private int count;
    private int lastFlags = -1;
    private final List<Integer> optionalSteps = new ArrayList<>();

    Encoder() {
      out.bytes(new byte[Protocol.PLAN_HEADER_SIZE]);
    }

    void add(int code, int flags, WireWriter payload, String label) {
      out.align(8);
      lastFlags = out.length() + 2;
      out.u16(code).u16(flags).u32(payload.length()).bytes(payload.toBytes());
      labels.add(label);
      count++;
    }

    void makeLastOptional() {
      if (lastFlags < 0) {
        throw new IllegalStateException("no step yet that could be optional");
      }
      optionalSteps.add(lastFlags);
    }

    /** The index of a descriptor in the table; one that is there already is not taken twice. */
    int index(Fd fd) {
      for (int i = 0; i < descriptors.size(); i++) {
        if (descriptors.get(i).number() == fd.number()) {
          return i;
        }
      }
      descriptors.add(fd);
      return descriptors.size() - 1;
    }

    LaunchPlan build(int kind, int namespaces, int flags) {
      out.align(8);
      byte[] bytes = out.toBytes();
      if (bytes.length > Protocol.PLAN_MAX_BYTES || count > Protocol.PLAN_MAX_STEPS) {
        throw new IllegalArgumentException(
            "launch plan of "
                + count
                + " steps and "
                + bytes.length
                + " bytes; at most "
                + Protocol.PLAN_MAX_STEPS
                + " and "
                + Protocol.PLAN_MAX_BYTES);
      }
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      buffer
          .putInt(Protocol.PLAN_MAGIC)
          .putShort((short) Protocol.PLAN_VERSION)
          .putShort((short) kind)
          .putInt(bytes.length)
          .putInt(count)
          .putInt(namespaces)
          .putInt(flags)
          .putInt(descriptors.size());
      for (int at : optionalSteps) {
        buffer.putShort(at, (short) (buffer.getShort(at) | Protocol.STEP_OPTIONAL));
      }
      return new LaunchPlan(bytes, descriptors, labels);
    }
  }
}
