package io.berth.base.daemon;

import io.berth.base.error.BerthException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;

/**
 * Logging to stderr, a line each: time, level, service and origin, message; stacks below errors.
 */
public final class Log {
  private Log() {}

  /**
   * The loggers that would tell of every frame on every socket. They are held here so that their
   * levels stay, for java.util.logging holds loggers weakly.
   */
  private static final List<Logger> LIBRARIES =
      List.of(Logger.getLogger("io.grpc"), Logger.getLogger("io.netty"));

  /**
   * The level that variables ask for: BERTH_LOG_LEVEL comes before LOG_LEVEL, which others share.
   */
  static Optional<String> levelOf(Map<String, String> environment) {
    return Stream.of("BERTH_LOG_LEVEL", "LOG_LEVEL")
        .map(name -> environment.getOrDefault(name, ""))
        .filter(value -> !value.isEmpty())
        .findFirst();
  }

  /**
   * From now on; everything logged before uses the JDK's defaults.
   *
   * @param service stands in each line
   * @param wanted error, warning, info or debug, or what others call these; INVALID_ARGUMENT for
   *     anything else
   */
  public static void configure(String service, String wanted) {
    Level level =
        switch (wanted.toLowerCase(Locale.ROOT)) {
          case "error", "fatal" -> Level.SEVERE;
          case "warning", "warn" -> Level.WARNING;
          case "info" -> Level.INFO;
          case "debug", "trace" -> Level.FINE;
          default ->
              throw new BerthException.InvalidArgument(
                  "log level `" + wanted + "`: there are error, warning, info and debug");
        };
    LogManager.getLogManager().reset();
    ConsoleHandler handler = new ConsoleHandler();
    handler.setLevel(level);
    handler.setFormatter(new Line(service));
    Logger root = Logger.getLogger("");
    root.setLevel(level);
    root.addHandler(handler);
    if (level.equals(Level.FINE)) {
      LIBRARIES.forEach(library -> library.setLevel(Level.INFO));
    }
  }

  private static final class Line extends Formatter {
    private final String service;

    Line(String service) {
      this.service = service;
    }

    @Override
    public String format(LogRecord log) {
      String logger = String.valueOf(log.getLoggerName());
      StringBuilder line =
          new StringBuilder()
              .append(Instant.ofEpochMilli(log.getMillis()).truncatedTo(ChronoUnit.MILLIS))
              .append(' ')
              .append(name(log.getLevel()))
              .append(' ')
              .append(service)
              .append('/')
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
