package io.berth.cli.render;

import com.google.protobuf.Timestamp;
import io.berth.base.rpc.Timestamps;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Shows sizes, ages and ids in the words that docker's users know. */
public final class Words {
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB"};
  private static final String[] BINARY_UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

  private static final DateTimeFormatter NANOS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private static final DateTimeFormatter MOMENT =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss xx zzz", Locale.ROOT);

  private Words() {}

  /** A number of bytes in powers of 1000, with three digits at most: {@code 1.23MB}. */
  public static String size(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    String digits =
        String.format(Locale.ROOT, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
    if (digits.contains(".")) {
      digits = digits.replaceAll("0+$", "").replaceAll("\\.$", "");
    }
    return digits + UNITS[unit];
  }

  /** A number of bytes in powers of 1000, with four digits at most, for sums: {@code 1.234MB}. */
  public static String sum(long bytes) {
    return scaled(bytes, 1000, UNITS);
  }

  /** A number of bytes in powers of 1024, with four digits at most: {@code 1.234MiB}. */
  public static String binarySize(long bytes) {
    return scaled(bytes, 1024, BINARY_UNITS);
  }

  private static String scaled(long bytes, int base, String[] units) {
    double value = bytes;
    int unit = 0;
    while (value >= base && unit < units.length - 1) {
      value /= base;
      unit++;
    }
    String digits =
        value >= 1000
            ? String.format(Locale.ROOT, "%.0f", value)
            : new BigDecimal(value).round(new MathContext(4)).toPlainString();
    if (digits.contains(".")) {
      digits = digits.replaceAll("0+$", "").replaceAll("\\.$", "");
    }
    return digits + units[unit];
  }

  /** A length of time in whole units: {@code About an hour}, {@code 3 weeks}. */
  public static String duration(Duration duration) {
    long seconds = Math.max(0, duration.toSeconds());
    if (seconds < 1) {
      return "Less than a second";
    }
    if (seconds == 1) {
      return "1 second";
    }
    if (seconds < 60) {
      return seconds + " seconds";
    }
    long minutes = seconds / 60;
    if (minutes == 1) {
      return "About a minute";
    }
    if (minutes < 60) {
      return minutes + " minutes";
    }
    long hours = Math.round(minutes / 60.0);
    if (hours == 1) {
      return "About an hour";
    }
    if (hours < 48) {
      return hours + " hours";
    }
    long days = hours / 24;
    if (days < 14) {
      return days + " days";
    }
    if (days < 90) {
      return days / 7 + " weeks";
    }
    return days < 730 ? days / 30 + " months" : days / 365 + " years";
  }

  /** How long ago a moment was: {@code 5 minutes ago}. */
  public static String ago(Timestamp at, Instant now) {
    return duration(Duration.between(Timestamps.instant(at), now)) + " ago";
  }

  /** A moment by RFC 3339 with all nine digits of its fraction, so that columns stay aligned. */
  public static String nanos(Timestamp at) {
    return NANOS.format(Timestamps.instant(at));
  }

  /** A moment as listings of docker show it, in the zone of whoever asks. */
  public static String moment(Timestamp at, ZoneId zone) {
    return MOMENT.withZone(zone).format(Timestamps.instant(at));
  }

  /** Labels in one cell: {@code a=b,c=d}, in the order of their keys. */
  public static String labels(Map<String, String> labels) {
    return new TreeMap<>(labels)
        .entrySet().stream()
            .map(label -> label.getKey() + "=" + label.getValue())
            .collect(Collectors.joining(","));
  }

  /** The first twelve digits of an id, without its algorithm. */
  public static String shortId(String id) {
    String hex = id.substring(id.indexOf(':') + 1);
    return hex.length() <= 12 ? hex : hex.substring(0, 12);
  }

  /**
   * A text of at most so many code points, cut between two of them, with an ellipsis in place of
   * the rest.
   */
  public static String cut(String text, int width) {
    return text.codePointCount(0, text.length()) <= width
        ? text
        : text.substring(0, text.offsetByCodePoints(0, width - 1)) + "…";
  }
}
