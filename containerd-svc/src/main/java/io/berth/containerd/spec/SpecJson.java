package io.berth.containerd.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import io.berth.base.json.Json;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import java.io.IOException;
import java.math.BigInteger;

/**
 * Writes specifications as documents that any OCI runtime reads: members that are absent or empty
 * are left out, and numbers of unsigned 64 bits are written as such.
 */
public final class SpecJson {
  private static final ObjectWriter WRITER =
      Json.mapper()
          .copy()
          .setDefaultPropertyInclusion(JsonInclude.Include.NON_EMPTY)
          .configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true)
          .addMixIn(ProcessSpec.Rlimit.class, Unsigned.Limit.class)
          .addMixIn(Linux.Seccomp.Argument.class, Unsigned.Argument.class)
          .writer();

  private SpecJson() {}

  /** The document without blanks. */
  public static byte[] bytes(Object document) {
    try {
      return WRITER.writeValueAsBytes(document);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON for " + document.getClass(), e);
    }
  }

  private static final class Unsigned extends JsonSerializer<Long> {
    @Override
    public void serialize(Long value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      if (value >= 0) {
        out.writeNumber(value);
      } else {
        out.writeNumber(new BigInteger(Long.toUnsignedString(value)));
      }
    }

    private interface Limit {
      @JsonProperty
      @JsonSerialize(using = Unsigned.class)
      long hard();

      @JsonProperty
      @JsonSerialize(using = Unsigned.class)
      long soft();
    }

    private interface Argument {
      @JsonProperty
      @JsonSerialize(using = Unsigned.class)
      long value();

      @JsonProperty
      @JsonSerialize(using = Unsigned.class)
      long valueTwo();
    }
  }
}
