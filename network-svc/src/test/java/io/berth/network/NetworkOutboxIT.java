package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.ListEndpointsRequest;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.PruneNetworksRequest;
import io.berth.api.berth.network.v1.RemoveNetworkRequest;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Networks as docker's users know them: what is there, and what is told of what happens. */
@Tag("root")
final class NetworkOutboxIT {
  @TempDir Path folder;
  private TestHost host;
  private ServiceProcess service;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
    service = new ServiceProcess(host);
    service.start();
  }

  @AfterEach
  void removeHost() throws Exception {
    try {
      service.removeAll();
    } finally {
      service.close();
      host.close();
    }
  }

  private NetworksGrpc.NetworksBlockingStub networks() {
    return NetworksGrpc.newBlockingStub(service.channel()).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  private static CreateNetworkRequest network(String name, String label) {
    return CreateNetworkRequest.newBuilder().setName(name).putLabels(label, "").build();
  }

  /** In docker's words; networks that somebody uses or wants to keep stay. */
  @Test
  void whatHappensToNetworksIsTold() throws Exception {
    Iterator<FollowResponse> outbox =
        OutboxGrpc.newBlockingStub(service.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .follow(FollowRequest.newBuilder().setOnlyNew(true).build());
    long before = outbox.next().getSequence();
    Network red = networks().create(network("red", "a"));
    networks().create(network("blue", "a"));
    networks().create(network("used", "a"));
    networks().create(network("other", "b"));
    var _ =
        UnixChannel.in(EndpointsGrpc.newBlockingStub(service.channel()), "default", null)
            .attach(AttachRequest.newBuilder().setContainer("web").setNetwork("used").build());
    networks().remove(RemoveNetworkRequest.newBuilder().setRef("red").build());
    networks().create(network("held", "a"));
    assertEquals(
        List.of("blue"),
        networks()
            .prune(PruneNetworksRequest.newBuilder().addFilters("label=a").addKept("held").build())
            .getNamesList());
    List<String> told = new ArrayList<>();
    FollowResponse last = FollowResponse.getDefaultInstance();
    for (int i = 0; i < 8; i++) {
      last = outbox.next();
      EngineEvent event =
          Anys.unpack(
              last.getEnvelope().getEvent(),
              EngineEvent.getDescriptor().getFullName(),
              EngineEvent.parser());
      told.add(event.getAction() + " " + event.getAttributesOrDefault("name", "-"));
      if (event.getAction().equals("destroy") && told.size() == 5) {
        assertEquals("network", event.getType());
        assertEquals(red.getId(), event.getActorId());
        assertEquals(Map.of("name", "red", "type", "bridge"), event.getAttributesMap());
      }
    }
    assertEquals(
        List.of(
            "create red",
            "create blue",
            "create used",
            "create other",
            "destroy red",
            "create held",
            "destroy blue",
            "prune -"),
        told);
    assertEquals(before + 8, last.getSequence());
    // Whoever followed this run is told all of the next one.
    service.kill();
    service.start();
    long again =
        OutboxGrpc.newBlockingStub(service.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .follow(FollowRequest.getDefaultInstance())
            .next()
            .getSequence();
    assertTrue(again > last.getSequence(), again + " after " + last.getSequence());
  }

  /** A run before had a clock that was ahead of this one's. */
  @Test
  void whoFollowedARunOfALaterClockIsTold() {
    long now =
        OutboxGrpc.newBlockingStub(service.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .follow(FollowRequest.newBuilder().setOnlyNew(true).build())
            .next()
            .getSequence();
    Iterator<FollowResponse> later =
        OutboxGrpc.newBlockingStub(service.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .follow(FollowRequest.newBuilder().setAfter(now + 1_000_000).build());
    assertEquals(now, later.next().getSequence());
    networks().create(network("late", "a"));
    assertEquals(now + 1, later.next().getSequence());
  }

  /**
   * Cases of docker's scripts: the three networks are there from the start, with docker's words.
   */
  @Test
  void theNetworksThatAreAlwaysThere_haveDockersDrivers() {
    Map<String, String> drivers = new TreeMap<>();
    networks()
        .list(ListNetworksRequest.getDefaultInstance())
        .getNetworksList()
        .forEach(network -> drivers.put(network.getName(), network.getDriver()));
    assertEquals(Map.of("bridge", "bridge", "host", "host", "none", "null"), drivers);
    // Also for those who ask what is on them, as who inspects them does.
    var endpoints =
        UnixChannel.in(EndpointsGrpc.newBlockingStub(service.channel()), "default", null);
    for (String name : drivers.keySet()) {
      assertEquals(
          List.of(),
          endpoints
              .list(ListEndpointsRequest.newBuilder().setNetwork(name).build())
              .getEndpointsList());
    }
  }
}
