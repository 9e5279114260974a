package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.Config;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.PortBinding;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ExposedPortsTest {
  private static PortBinding port(int host, int inside, String protocol) {
    return new PortBinding("", host, inside, protocol);
  }

  @Test
  void each() {
    assertEquals(List.of("80/tcp"), ExposedPorts.each("80"));
    assertEquals(List.of("53/udp"), ExposedPorts.each("53/udp"));
    assertEquals(List.of("7/sctp", "8/sctp"), ExposedPorts.each("7-8/sctp"));
    assertEquals(65_535, ExposedPorts.each("1-65535").size());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "0", "65536", "99999", "8-7", "0-3", "80/icmp", "80/", "a", "-1", "1-2-3", " 1"
      })
  void noPorts(String text) {
    assertThrows(BerthException.InvalidArgument.class, () -> ExposedPorts.each(text));
  }

  @Test
  void onlyOnWish_andWhatIsBoundIsNotBoundTwice() {
    ContainerConfig config =
        ConfigMessages.read(
            Config.newBuilder().addExposedPorts("80/tcp").addExposedPorts("53/udp").build());
    NetworkWish given = NetworkWish.NONE.withPorts(List.of(port(8080, 80, "")));
    assertEquals(given.ports(), ExposedPorts.published(config, given));
    NetworkWish all = new NetworkWish("", given.ports(), List.of(), "", "", true, List.of());
    assertEquals(
        List.of(port(8080, 80, ""), port(0, 53, "udp")), ExposedPorts.published(config, all));
  }
}
