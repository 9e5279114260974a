package io.berth.image.event;

/** How events look on the wire. */
public interface EventCodec {
  /**
   * An event's message.
   *
   * @param typeUrl the bare full name of the message
   */
  record Encoded(String typeUrl, byte[] value) {}

  /** Total. */
  Encoded encode(Event event);
}
