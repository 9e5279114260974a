package io.berth.oci.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RuntimeSpecTest {
  private static RuntimeSpec read(String json) {
    return RuntimeSpec.read(json.getBytes(StandardCharsets.UTF_8), "specification");
  }

  @Test
  void whatIsAbsentIsEmpty() {
    RuntimeSpec spec = read("{}");
    assertNull(spec.process());
    assertEquals("", spec.hostname());
    assertEquals(List.of(), spec.mounts());
    assertEquals(List.of(), spec.linux().namespaces());
    assertTrue(!spec.hooks().stopsCreation());
    RuntimeSpec nulls = read("{\"mounts\":null,\"linux\":null,\"hooks\":null,\"hostname\":null}");
    assertEquals(spec, nulls);
  }

  @Test
  void unknownFieldsAreIgnoredAndUnsignedNumbersKeepTheirBits() {
    RuntimeSpec spec =
        read(
            "{\"future\":{\"x\":1},\"process\":{\"args\":[\"a\",\"\"],\"cwd\":\"/\","
                + "\"user\":{\"uid\":4294967295,\"additionalGids\":[5]},"
                + "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,"
                + "\"soft\":1.8446744073709552e19}]},"
                + "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":"
                + "[{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
                + "\"value\":2114060288,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}}}");
    ProcessSpec process = Objects.requireNonNull(spec.process());
    // Arguments stay a list, empty ones included.
    assertEquals(List.of("a", ""), process.args());
    assertEquals(4294967295L, process.user().uid());
    assertEquals(-1, process.rlimits().getFirst().hard());
    Linux.Seccomp seccomp = Objects.requireNonNull(spec.linux().seccomp());
    assertEquals(2114060288, seccomp.syscalls().getFirst().args().getFirst().value());
  }

  @Test
  void resourcesOfAnUpdate() {
    Resources resources =
        Resources.read(
            "{\"blockIO\":{\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":1,\"rate\":9}]},\"memory\":{\"disableOOMKiller\":true}}"
                .getBytes(StandardCharsets.UTF_8),
            "resources");
    assertEquals(9, resources.blockIo().throttleReadIopsDevice().getFirst().rate());
    assertTrue(resources.memory().disableOomKiller());
    assertNull(resources.memory().limit());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{\"process\":{\"args\":{}}}",
        "{\"process\":{\"rlimits\":[{\"hard\":18446744073709551616}]}}",
        "{\"process\":{\"rlimits\":[{\"hard\":1e999999999}]}}",
        "{\"process\":{\"rlimits\":[{\"hard\":\"x\"}]}}"
      })
  void whatIsNoSpecificationIsRefused(String json) {
    assertThrows(BerthException.InvalidArgument.class, () -> read(json));
  }
}
