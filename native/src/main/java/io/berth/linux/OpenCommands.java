package io.berth.linux;

/** Commands of fcntl(2). */
final class OpenCommands {
  static final int F_GETFL = 3;
  static final int F_SETFL = 4;
  static final int F_GETLK = 5;
  static final int F_DUPFD_CLOEXEC = 1030;
  static final int F_SETPIPE_SZ = 1031;
  static final int F_ADD_SEALS = 1033;
  static final int F_GET_SEALS = 1034;

  private OpenCommands() {}
}
