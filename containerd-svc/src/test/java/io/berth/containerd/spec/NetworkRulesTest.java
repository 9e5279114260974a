package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.NameResolution;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.PortBinding;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client of the API may write that is no command line, and what no network can grant. */
final class NetworkRulesTest { // case Q4
  private static void check(NetworkWish wish) {
    NetworkRules.check(
        wish, new NameResolution(List.of(), List.of(), List.of(), List.of()), new ArrayList<>());
  }

  private static NetworkWish publishing(PortBinding port) {
    return NetworkWish.NONE.withPorts(List.of(port));
  }

  @ParameterizedTest
  @CsvSource({
    "'', 0, 0, tcp",
    "'', 0, 65536, tcp",
    "'', 65536, 80, tcp",
    "'', -1, 80, tcp",
    "'', 80, -80, ''",
    "'', 80, 80, sctp",
    "'', 80, 80, icmp",
    "'', 80, 80, 'tcp '",
    "localhost, 80, 80, tcp",
    "1.2.3.4.5, 80, 80, tcp",
  })
  void portsThatCannotBe_areRefused(String ip, int host, int container, String protocol) {
    NetworkWish wish = publishing(new PortBinding(ip, host, container, protocol));
    assertThrows(BerthException.InvalidArgument.class, () -> check(wish));
  }

  @ParameterizedTest
  @CsvSource({
    "'', 0, 80, ''",
    "'', 65535, 65535, udp",
    "127.0.0.1, 80, 80, TCP",
    "::1, 80, 80, tcp",
  })
  void portsThatCanBe_areTaken(String ip, int host, int container, String protocol) {
    check(publishing(new PortBinding(ip, host, container, protocol)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b", "../x", "-x", "a/b", "naïve", " "})
  void namesOfNoNetwork_areRefused(String mode) {
    NetworkWish wish = NetworkWish.NONE.withMode(mode);
    assertThrows(BerthException.InvalidArgument.class, () -> check(wish));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "bridge", "host", "none", "my__net", "a.b-c", "container:web"})
  void namesOfNetworks_areTaken(String mode) {
    check(NetworkWish.NONE.withMode(mode));
  }
}
