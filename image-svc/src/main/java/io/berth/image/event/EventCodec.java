package io.berth.image.event;

/** How events look on the wire. */
public interface EventCodec {
  /**
   * An event's message.
   *
   * @param typeUrl the bare full name of the message
   */
  // Written to the database as it is; nobody compares it.
  @SuppressWarnings("ArrayRecordComponent")
  record Encoded(String typeUrl, byte[] value) {}

  /** Total. */
  Encoded encode(Event event);
}
