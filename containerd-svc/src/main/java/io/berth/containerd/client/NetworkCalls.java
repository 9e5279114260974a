package io.berth.containerd.client;

import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.GetEndpointRequest;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.api.message.NetworkWishMessages;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.NetworkWish;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The calls to network-svc: a container's place on a network. Each blocks until network-svc has
 * answered and throws {@link BerthException.Absent} where network-svc does not. Thread-safe.
 */
public final class NetworkCalls {
  private static final String PROGRAM = "berth-network";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final PeerService service;

  /** Calls over this channel; the socket's path is for what is told of a failure. */
  public NetworkCalls(ManagedChannel channel, Path socket) {
    service = new PeerService(channel, socket, PROGRAM);
  }

  /**
   * A container that is to have a place.
   *
   * @param key namespace and id
   * @param name by which others of the network find it, beside its aliases
   * @param wish for a place, with the ports that are to be published
   * @param ephemeral whether it removes itself, so that its place need not survive a power cut
   */
  public record Candidate(TaskKey key, String name, NetworkWish wish, boolean ephemeral) {}

  /**
   * What network-svc made.
   *
   * @param endpoint the container's place
   * @param nameservers addresses at which the network serves names
   */
  public record Attached(NetworkEndpoint endpoint, List<String> nameservers) {
    public Attached {
      nameservers = List.copyOf(nameservers);
    }
  }

  /** The service behind these calls, to be waited for. */
  public PeerService service() {
    return service;
  }

  private EndpointsGrpc.EndpointsBlockingStub stub(String namespace) {
    return UnixChannel.in(EndpointsGrpc.newBlockingStub(service.channel()), namespace, null)
        .withDeadlineAfter(PATIENCE);
  }

  /**
   * Gives the container its place, which is ready when this returns. A place that a client made for
   * it before, with other words, is taken as it is.
   */
  public Attached attach(Candidate container) {
    NetworkWish network = container.wish();
    AttachRequest request =
        AttachRequest.newBuilder()
            .setContainer(container.key().id())
            .setNetwork(network.mode())
            .addAllPorts(NetworkWishMessages.write(network.ports()))
            .setAddress(network.address())
            .setMac(network.mac())
            .addAllAliases(network.aliases())
            .setName(container.name())
            .setEphemeral(container.ephemeral())
            .setRecorded(true)
            .build();
    String namespace = container.key().namespace();
    try {
      return attached(service.call(() -> stub(namespace).attach(request)));
    } catch (BerthException.AlreadyExists e) {
      return attached(
          service.call(() ->
              stub(namespace)
                  .get(
                      GetEndpointRequest.newBuilder().setContainer(container.key().id()).build())));
    }
  }

  private static Attached attached(Endpoint message) {
    return new Attached(
        new NetworkEndpoint(
            message.getNetwork(),
            message.getAddress(),
            message.getPrefixLength(),
            message.getGateway(),
            message.getMac(),
            message.getNetns(),
            NetworkWishMessages.read(message.getPortsList()),
            /* address6= */ "",
            message.getNetworkId(),
            message.getId()),
        message.getNameserversList());
  }

  /** Takes the container's place away; a container without one is left as it is. */
  public void detach(TaskKey key) {
    DetachRequest request = DetachRequest.newBuilder().setContainer(key.id()).build();
    var _ = service.call(() -> stub(key.namespace()).detach(request));
  }
}
