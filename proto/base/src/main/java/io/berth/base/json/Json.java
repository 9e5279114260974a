package io.berth.base.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.berth.base.error.BerthException;
import java.io.IOException;

/**
 * Reading and writing JSON. Documents from outside are bounded in depth and size, unknown fields
 * are ignored. Thread-safe.
 */
public final class Json {
  /** The longest document that is read, in bytes. */
  public static final int MAX_DOCUMENT = 16 << 20;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(100)
                          .maxDocumentLength(MAX_DOCUMENT)
                          .maxStringLength(MAX_DOCUMENT)
                          .build())
                  .build())
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final ObjectWriter PRETTY = MAPPER.writerWithDefaultPrettyPrinter();

  private Json() {}

  /** INVALID_ARGUMENT, with `what` as its subject, when the bytes are no such document. */
  public static <T> T read(byte[] bytes, Class<T> type, String what) {
    try {
      T value = MAPPER.readValue(bytes, type);
      if (value == null) {
        throw new BerthException.InvalidArgument("parse " + what + ": document is null");
      }
      return value;
    } catch (IOException e) {
      throw new BerthException.InvalidArgument("parse " + what + ": " + why(e), e);
    }
  }

  /** Reads a document as a tree; INVALID_ARGUMENT as {@link #read} has it. */
  public static JsonNode tree(byte[] bytes, String what) {
    try {
      JsonNode tree = MAPPER.readTree(bytes);
      if (tree == null || tree.isMissingNode()) {
        throw new BerthException.InvalidArgument("parse " + what + ": document is empty");
      }
      return tree;
    } catch (IOException e) {
      throw new BerthException.InvalidArgument("parse " + what + ": " + why(e), e);
    }
  }

  /** Writes a value without white space. */
  public static byte[] bytes(Object value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON for " + value.getClass(), e);
    }
  }

  /** Writes a value with line breaks and indentation, for people. */
  public static String pretty(Object value) {
    try {
      return PRETTY.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON for " + value.getClass(), e);
    }
  }

  /** An empty object, to build a tree from. */
  public static ObjectMapper mapper() {
    return MAPPER;
  }

  private static String why(IOException e) {
    return e instanceof JsonProcessingException parse
        ? parse.getOriginalMessage().replace('\n', ' ')
            + (parse.getLocation() == null
                ? ""
                : " (line "
                    + parse.getLocation().getLineNr()
                    + ", column "
                    + parse.getLocation().getColumnNr()
                    + ")")
        : String.valueOf(e.getMessage());
  }
}
