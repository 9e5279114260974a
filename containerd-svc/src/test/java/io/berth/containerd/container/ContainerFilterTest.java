package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.PruneRequest;
import io.grpc.Status.Code;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which containers the filters of lists and of pruning mean. */
final class ContainerFilterTest extends ContainerCalls {
  private List<String> names(String... filters) {
    return stub()
        .list(ListRequest.newBuilder().setAll(true).addAllFilters(List.of(filters)).build())
        .getContainersList()
        .stream()
        .map(Container::getName)
        .sorted()
        .toList();
  }

  private void two() {
    var _ =
        stub()
            .create(
                request("one", "true")
                    .setConfig(
                        Config.newBuilder()
                            .addCmd("true")
                            .putLabels("k", "1")
                            .addExposedPorts("80-90/tcp"))
                    .build());
    var _ = create("two", "true");
  }

  @Test
  void filtersNarrow() {
    two();
    assertEquals(List.of("one", "two"), names());
    assertEquals(List.of("one"), names("name=^o"));
    assertEquals(List.of("one", "two"), names("name=one", "name=two"));
    assertEquals(List.of("one"), names("label=k=1"));
    assertEquals(List.of("two"), names("label!=k"));
    assertEquals(List.of("one", "two"), names("status=created"));
    assertEquals(List.of(), names("status=dead"));
    assertEquals(List.of("one", "two"), names("network=host", "health=none"));
    assertEquals(List.of("one"), names("expose=85"));
    assertEquals(List.of("one"), names("expose=70-80/TCP"));
    assertEquals(List.of(), names("expose=85/udp"));
    assertEquals(List.of(), names("publish=80"));
    assertEquals(List.of("two"), names("since=one"));
    assertEquals(List.of("one"), names("before=two"));
  }

  /** Case L13: the service reads ages as Go writes them, as the command line does. */
  @Test
  void agesAreGos() {
    two();
    assertEquals(List.of("one", "two"), names("until=-1.5h"));
    assertEquals(List.of(), names("until=1h30m"));
    assertEquals(
        List.of(),
        stub().prune(PruneRequest.newBuilder().addFilters("until=1.5h").build()).getIdsList());
  }

  /** Case L14: a filter that could fit nothing is refused. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "status=bogus",
        "health=ill",
        "exited=x",
        "publish=x",
        "expose=0",
        "until=soon",
        "until=PT1H",
        "colour=red",
        "status"
      })
  void whatCannotFitIsRefused(String filter) {
    var _ =
        refused(
            Code.INVALID_ARGUMENT,
            () -> stub().list(ListRequest.newBuilder().addFilters(filter).build()));
  }

  /** A filter of lists that pruning does not have must not remove what it seems to spare. */
  @Test
  void pruningHasItsOwn() {
    two();
    for (String filter : List.of("status=exited", "name=one", "until=soon", "label")) {
      var _ =
          refused(
              Code.INVALID_ARGUMENT,
              () -> stub().prune(PruneRequest.newBuilder().addFilters(filter).build()));
    }
    assertEquals(List.of("one", "two"), names());
  }
}
