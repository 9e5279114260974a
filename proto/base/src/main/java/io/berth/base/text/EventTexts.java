package io.berth.base.text;

import java.util.Map;
import java.util.TreeMap;

/**
 * Bounds what one event tells. Events are kept, and wait for whoever reads them, by their number,
 * while the command of an exec may have many megabytes, and so may labels: of long texts an event
 * has the beginning.
 */
public final class EventTexts {
  /** How many characters of one text are told. */
  public static final int TEXT = 4096;

  /** How many characters all attributes of an event may have together. */
  public static final int ATTRIBUTES = 4 * TEXT;

  private EventTexts() {}

  /** A text, or its beginning and an ellipsis. */
  public static String cut(String text) {
    if (text.length() <= TEXT) {
      return text;
    }
    int end = TEXT - 1;
    // No character is cut in its middle.
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end) + "…";
  }

  /** The attributes that fit, in the order of their names; the first ones count most. */
  public static Map<String, String> fitting(Map<String, String> attributes) {
    Map<String, String> result = new TreeMap<>();
    int room = ATTRIBUTES;
    for (Map.Entry<String, String> attribute : attributes.entrySet()) {
      String value = cut(attribute.getValue());
      int size = attribute.getKey().length() + value.length();
      if (size <= room) {
        result.put(attribute.getKey(), value);
        room -= size;
      }
    }
    return result;
  }
}
