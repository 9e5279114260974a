package io.berth.oci.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.berth.base.error.BerthException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

// case S13
final class SpecFieldsTest {
  /**
   * What the table calls done and what the records hold are the same fields, in both directions.
   */
  @Test
  void everyFieldThatIsDoneHasAComponent() {
    Set<String> components = new TreeSet<>();
    collect(RuntimeSpec.class, "", components);
    Set<String> done =
        SpecFields.all().entrySet().stream()
            .filter(entry -> entry.getValue() == SpecFields.Fate.DONE)
            .map(java.util.Map.Entry::getKey)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(done, components);
  }

  private static void collect(Class<?> type, String prefix, Set<String> into) {
    for (RecordComponent component : type.getRecordComponents()) {
      JsonProperty named = component.getAccessor().getAnnotation(JsonProperty.class);
      String path = prefix + (named == null ? component.getName() : named.value());
      into.add(path);
      Type held = component.getGenericType();
      if (held instanceof ParameterizedType generic) {
        Type[] arguments = generic.getActualTypeArguments();
        held = arguments[arguments.length - 1];
      }
      if (held instanceof Class<?> inner && inner.isRecord()) {
        collect(inner, path + ".", into);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"linux\":{\"intelRdt\":{\"closID\":\"a\"}}}|linux.intelRdt",
        "{\"linux\":{\"resources\":{\"memory\":{\"checkBeforeUpdate\":true}}}}"
            + "|linux.resources.memory.checkBeforeUpdate",
      })
  void whatIsNotBuiltIsRefusedByName(String document, String field) {
    BerthException.NotImplemented refused =
        assertThrows(BerthException.NotImplemented.class, () -> read(document));
    assertTrue(refused.getMessage().contains("`" + field + "`"), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"linux\":{\"intelRdt\":null,\"netDevices\":{}}}",
        "{\"linux\":{\"resources\":{\"memory\":{\"checkBeforeUpdate\":false,\"kernel\":5}}}}",
        "{\"windows\":{\"intelRdt\":1},\"future\":[{\"linux\":{\"intelRdt\":{\"a\":1}}}]}",
      })
  void whatSaysNothingOrIsUnknownPasses(String document) {
    assertTrue(read(document).linux().namespaces().isEmpty());
  }

  @Test
  void anUpdateIsCheckedLikeACreation() {
    byte[] update = "{\"memory\":{\"checkBeforeUpdate\":true}}".getBytes(StandardCharsets.UTF_8);
    assertThrows(BerthException.NotImplemented.class, () -> Resources.read(update, "resources"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "2.0.0", "1", "x1.0.0", "0.9.0"})
  void aVersionOfAnotherKindIsRefused(String version) {
    RuntimeSpec spec = read("{\"ociVersion\":\"" + version + "\"}");
    assertThrows(BerthException.InvalidArgument.class, spec::checkVersion);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.0.0", "1.0.2-dev", "1.3.0"})
  void theVersionsOfNowPass(String version) {
    read("{\"ociVersion\":\"" + version + "\"}").checkVersion();
  }

  private static RuntimeSpec read(String json) {
    return RuntimeSpec.read(json.getBytes(StandardCharsets.UTF_8), "specification");
  }
}
