package io.berth.base.daemon;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Logging to stderr, a line each: time, level, origin, message; stacks below errors. */
public final class Log {
  private Log() {}

  /** Every frame on every socket is no news. Held here, for nobody else holds a logger. */
  private static final List<Logger> LIBRARIES =
      List.of(Logger.getLogger("io.grpc"), Logger.getLogger("io.netty"));

  /** Sets the level of the configuration; everything logged before uses the JDK's defaults. */
  public static void configure(Config config) {
    LogManager.getLogManager().reset();
    Level level =
        switch (config.text(Key.LOG_LEVEL).toLowerCase(Locale.ROOT)) {
          case "error" -> Level.SEVERE;
          case "warning" -> Level.WARNING;
          case "debug" -> Level.FINE;
          default -> Level.INFO;
        };
    ConsoleHandler handler = new ConsoleHandler();
    handler.setLevel(level);
    handler.setFormatter(new Line());
    Logger root = Logger.getLogger("");
    root.setLevel(level);
    root.addHandler(handler);
    if (level.equals(Level.FINE)) {
      LIBRARIES.forEach(library -> library.setLevel(Level.INFO));
    }
  }

  private static final class Line extends Formatter {
    @Override
    public String format(LogRecord log) {
      String logger = String.valueOf(log.getLoggerName());
      StringBuilder line =
          new StringBuilder()
              .append(Instant.ofEpochMilli(log.getMillis()).truncatedTo(ChronoUnit.MILLIS))
              .append(' ')
              .append(name(log.getLevel()))
              .append(' ')
              .append(logger.substring(logger.lastIndexOf('.') + 1))
              .append(": ")
              .append(formatMessage(log).replace('\n', ' '))
              .append('\n');
      if (log.getThrown() != null) {
        StringWriter stack = new StringWriter();
        log.getThrown().printStackTrace(new PrintWriter(stack, /* autoFlush= */ true));
        line.append(stack);
      }
      return line.toString();
    }

    private static String name(Level level) {
      int value = level.intValue();
      return value >= Level.SEVERE.intValue()
          ? "error"
          : value >= Level.WARNING.intValue()
              ? "warning"
              : value >= Level.INFO.intValue() ? "info" : "debug";
    }
  }
}
