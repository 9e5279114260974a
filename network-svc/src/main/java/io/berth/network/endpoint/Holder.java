package io.berth.network.endpoint;

/** What was known of a container when it was attached. */
public enum Holder {
  /** A client attached it that may describe it to containerd-svc afterwards, or never. */
  UNRECORDED(0),
  /** containerd-svc has its record, and it removes itself at its end. */
  EPHEMERAL(1),
  /** containerd-svc has its record: as soon as that is gone, its endpoint is nobody's. */
  RECORDED(2);

  private final int number;

  Holder(int number) {
    this.number = number;
  }

  /** As it is stored. */
  int number() {
    return number;
  }

  static Holder of(int number) {
    return switch (number) {
      case 1 -> EPHEMERAL;
      case 2 -> RECORDED;
      default -> UNRECORDED;
    };
  }

  /** Whether the container was recorded before it was attached. */
  public boolean isRecorded() {
    return this != UNRECORDED;
  }
}
