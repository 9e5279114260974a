package io.berth.cli.resident;

/** The numbers of {@code line.h}, where they are described. */
final class LineProtocol {
  static final int LINE_VERSION = 1;

  static final int LINE_HELLO = 1;
  static final int LINE_GO = 2;
  static final int LINE_SIGNAL = 3;
  static final int LINE_TERMINAL = 4;
  static final int LINE_CONTINUED = 5;
  static final int LINE_CARRIED = 6;

  static final int LINE_OFFER = 16;
  static final int LINE_REFUSED = 17;
  static final int LINE_WAITS = 18;
  static final int LINE_KEEPS = 19;
  static final int LINE_MODE = 20;
  static final int LINE_EFFECT = 21;
  static final int LINE_ENDED = 22;
  static final int LINE_CARRY = 23;

  static final int LINE_STREAM_IN = 1;
  static final int LINE_STREAM_OUT = 2;
  static final int LINE_STREAM_ERR = 4;
  static final int LINE_STREAM_MASK = 255;
  static final int LINE_ERROR_SHIFT = 8;

  static final int LINE_REFUSED_PEER = 1;
  static final int LINE_REFUSED_BUILD = 2;
  static final int LINE_REFUSED_OLD = 3;
  static final int LINE_REFUSED_NOW = 4;

  static final int LINE_MODE_BEFORE = 0;
  static final int LINE_MODE_RAW = 1;
  static final int LINE_MODE_SILENT = 2;

  static final int LINE_DESCRIPTORS = 5;
  static final int LINE_MAX_TEXT = 100 * 1024;

  /** The size of {@code struct line_message}. */
  static final int MESSAGE_BYTES = 8;

  /** The size of {@code struct line_hello}. */
  static final int HELLO_BYTES = 48;

  private LineProtocol() {}
}
