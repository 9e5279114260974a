package io.berth.image.volume;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class VolumeOptionsTest {
  private static Map<String, String> options(String text) {
    Map<String, String> options = new TreeMap<>();
    for (String pair : text.split(" ")) {
      int equals = pair.indexOf('=');
      options.put(pair.substring(0, equals), pair.substring(equals + 1));
    }
    return options;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "type=tmpfs device=tmpfs o=size=100m,uid=1000",
        "type=none device=/srv o=bind",
        "type=none device=/srv o=rbind,ro",
        "type=nfs device=:/export o=addr=10.0.0.1,rw",
        "type=cifs device=//server/My_Share o=username=me,password=p#1",
        "type=overlay device=overlay o=lowerdir=/a:/b,upperdir=/c,workdir=/d",
        "type=ext4 device=/dev/sdz1"
      })
  void whatDockersLocalDriverMounts(String text) {
    assertNotNull(VolumeOptions.parse("local", options(text)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "size=1g",
        "type=tmpfs",
        "device=/srv",
        "o=bind",
        "type=proc device=proc",
        "type=sysfs device=sysfs",
        "type=cgroup2 device=none",
        "type=none device=/srv",
        "type=none device=srv o=bind",
        "type=none device=/srv o=bind,remount",
        "type=tmpfs device=",
        "type=tmpfs device=a\u0001b",
        "type=tmpfs device=tmpfs o=a\tb"
      })
  void hostileAndIncompleteOptionsAreRefused(String text) {
    assertThrows(
        BerthException.InvalidArgument.class, () -> VolumeOptions.parse("", options(text)));
  }

  @Test
  void noOtherDriver() {
    assertNull(VolumeOptions.parse("", Map.of()));
    assertThrows(
        BerthException.InvalidArgument.class, () -> VolumeOptions.parse("rexray", Map.of()));
  }
}
