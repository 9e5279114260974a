package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.api.berth.container.v1.RenameRequest;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Names, references, lists and changes of containers. */
final class NamedContainersTest extends ContainerCalls {
  @Test
  void names_areMadeOrChecked_andUnique() {
    CreateResponse made = stub().create(request("", "sleep").build());
    assertTrue(made.getName().matches("[a-z]+_[a-z]+[0-9]?"), made.getName());
    String first = create("taken", "sleep");
    StatusRuntimeException e = refused(Code.ALREADY_EXISTS, () -> create("taken", "sleep"));
    assertTrue(e.getMessage().contains(first), e.getMessage());
    refused(Code.INVALID_ARGUMENT, () -> create("a", "sleep"));
    refused(Code.INVALID_ARGUMENT, () -> create("a b", "sleep"));
    RenameRequest rename = RenameRequest.newBuilder().setRef(made.getId()).setName("taken").build();
    refused(Code.ALREADY_EXISTS, () -> stub().rename(rename));
    var _ = stub().rename(rename.toBuilder().setName("renamed").build());
    assertEquals("renamed", get(made.getId()).getName());
    assertEquals(List.of("taken", "renamed"), names(true));
  }

  @Test
  void sameName_byManyClients_oneWins() {
    List<CompletableFuture<Code>> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      CompletableFuture<Code> answer = new CompletableFuture<>();
      answers.add(answer);
      Thread.ofVirtual()
          .start(() -> {
            try {
              create("same", "sleep");
              answer.complete(Code.OK);
            } catch (StatusRuntimeException e) {
              answer.complete(e.getStatus().getCode());
            }
          });
    }
    List<Code> codes = answers.stream().map(CompletableFuture::join).toList();
    assertEquals(1, codes.stream().filter(Code.OK::equals).count());
    assertEquals(19, codes.stream().filter(Code.ALREADY_EXISTS::equals).count());
    assertEquals(1, names(true).size());
  }

  // The exact name of one counts more than the beginning of another's id.
  @Test
  void reference_isIdThenNameThenPrefix() {
    String a = "a".repeat(64);
    String b = "aab" + "b".repeat(61);
    var _ = stub().create(request("first", "sleep").setId(a).build());
    var _ = stub().create(request("aab", "sleep").setId("c".repeat(64)).build());
    var _ = stub().create(request("third", "sleep").setId(b).build());
    assertEquals("first", get(a).getName());
    assertEquals("aab", get("aab").getName());
    assertEquals("third", get("aabb").getName());
    refused(Code.INVALID_ARGUMENT, () -> get("aa"));
    refused(Code.NOT_FOUND, () -> get("zz"));
  }

  @Test
  void list_showsRunningOnes_andFilters() {
    create("one", "sleep");
    create("two", "sleep");
    var _ =
        stub()
            .create(
                request("three", "sleep")
                    .setConfig(Config.newBuilder().addCmd("sleep").putLabels("tier", "db"))
                    .build());
    begin("two");
    assertEquals(List.of("two"), names(false));
    assertEquals(List.of("three", "two", "one"), names(true));
    assertEquals(List.of("three"), names(true, "label=tier=db"));
    assertEquals(List.of("three", "two"), names(true, "name=t"));
    assertEquals(List.of("two"), names(true, "status=running"));
    assertEquals(List.of("one"), names(true, "before=two"));
    assertEquals(List.of("three"), names(true, "since=two"));
    refused(Code.INVALID_ARGUMENT, () -> names(true, "colour=red"));
    refused(Code.INVALID_ARGUMENT, () -> names(true, "name"));
  }

  @Test
  void rename_toTheSameName_isAnError() {
    create("same", "sleep");
    refused(
        Code.INVALID_ARGUMENT,
        () -> stub().rename(RenameRequest.newBuilder().setRef("same").setName("same").build()));
    assertEquals(List.of("same"), names(true));
  }

  @Test
  void update_holdsNowAndLater() {
    String id = create("web", "sleep");
    begin("web");
    var _ =
        stub()
            .update(
                UpdateRequest.newBuilder()
                    .setRef("web")
                    .setResources(Resources.newBuilder().setMemory(256 << 20))
                    .build());
    assertEquals(256 << 20, get(id).getHost().getResources().getMemory());
    assertTrue(instance.hosts.supervisor(Instance.key(id)).done().contains("update"));
    assertTrue(
        instance
            .containers()
            .get(GetContainerRequest.newBuilder().setId(id).build())
            .getContainer()
            .getSpec()
            .getValue()
            .toStringUtf8()
            .contains("\"limit\":" + (256 << 20)));
    refused(
        Code.INVALID_ARGUMENT,
        () ->
            stub()
                .update(
                    UpdateRequest.newBuilder()
                        .setRef("web")
                        .setRestart(RestartPolicy.newBuilder().setName("sometimes"))
                        .build()));
  }

  @Test
  void prune_removesWhatRests() {
    create("one", "sleep");
    String running = create("two", "sleep");
    begin("two");
    assertEquals(1, stub().prune(PruneRequest.getDefaultInstance()).getIdsCount());
    assertEquals(List.of("two"), names(true));
    assertEquals(running, get("two").getId());
    assertEquals(1, stub().info(Empty.getDefaultInstance()).getRunning());
  }

  @Test
  void refusedCreate_leavesNothing() {
    refused(Code.INVALID_ARGUMENT, () -> create("web", ""));
    CreateRequest huge =
        request("web", "sleep")
            .setConfig(Config.newBuilder().addCmd("sleep").putLabels("k", "x".repeat(5 << 20)))
            .build();
    refused(Code.INVALID_ARGUMENT, () -> stub().create(huge));
    refused(
        Code.INVALID_ARGUMENT,
        () -> stub().create(request("web", "sleep").setId("../../etc").build()));
    assertEquals(List.of(), names(true));
    create("web", "sleep");
  }
}
