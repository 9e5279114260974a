package io.berth.image.event;

/** Translates events to messages of the wire. */
public interface EventCodec {
  /**
   * An event's message.
   *
   * @param typeUrl the bare full name of the message
   */
  // The record is written to the database, and nobody compares two of them.
  @SuppressWarnings("ArrayRecordComponent")
  record Encoded(String typeUrl, byte[] value) {}

  /** Encodes an event of any kind. */
  Encoded encode(StoreEvent event);
}
