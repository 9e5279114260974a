import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.base.json.Json;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.linux.net.NetworkNamespace;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A container's place on a network, with a published port, made and given back: {@code Attach
 * SOCKET FOLDER ROUNDS}.
 *
 * <p>Ours: Attach and Detach at network-svc, which makes the netns as well. The peer: the plug-ins
 * bridge (with host-local) and portmap, run as clients of CNI run them, ADD and then DEL; its netns
 * is made beforehand and not timed.
 */
final class Attach {
  private static final Path PLUG_INS = Path.of("/usr/lib/cni");
  private static final int WARM_UPS = 40;
  private static final int OUR_PORT = 18080;
  private static final int PEER_PORT = 18081;

  private Attach() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[1]));
    try (EventLoops loops = new EventLoops(1)) {
      ManagedChannel channel = UnixChannel.to(loops, Path.of(arguments[0]));
      try {
        new Comparison(
                "attach, publish a port, detach",
                0.1,
                Integer.parseInt(arguments[2]),
                WARM_UPS,
                List.of(new Ours(channel)),
                List.of(new PlugIns(folder)),
                List.of(new EmptyCalls(channel)))
            .print();
      } finally {
        channel.shutdownNow();
      }
    }
  }

  private static final class Ours implements Side {
    private final EndpointsGrpc.EndpointsBlockingStub endpoints;

    Ours(Channel channel) {
      endpoints = UnixChannel.in(EndpointsGrpc.newBlockingStub(channel), "bench", null);
    }

    @Override
    public String name() {
      return "ours";
    }

    @Override
    public void run(int number) {
      endpoints.attach(
          AttachRequest.newBuilder()
              .setContainer("bench" + number)
              .setNetwork("bridge")
              .addPorts(
                  PortBinding.newBuilder()
                      .setHostPort(OUR_PORT)
                      .setContainerPort(80)
                      .setProtocol("tcp"))
              .setEphemeral(true)
              .build());
      endpoints.detach(DetachRequest.newBuilder().setContainer("bench" + number).build());
    }
  }

  /** As many calls that do nothing as ours makes. */
  private record EmptyCalls(Channel channel) implements Side {
    @Override
    public String name() {
      return "two calls that do nothing";
    }

    @Override
    public void run(int number) {
      HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
      health.check(HealthCheckRequest.getDefaultInstance());
      health.check(HealthCheckRequest.getDefaultInstance());
    }
  }

  private static final class PlugIns implements Side {
    private final Path folder;
    private Path netns;

    PlugIns(Path folder) {
      this.folder = folder;
    }

    @Override
    public String name() {
      return "bridge + portmap";
    }

    @Override
    public void prepare(int number, boolean cold) throws IOException {
      netns = folder.resolve("netns" + number);
      try (NetworkNamespace made = NetworkNamespace.create()) {
        made.pin(netns);
      }
    }

    @Override
    public void run(int number) throws IOException {
      JsonNode attached = call("ADD", number, bridge(), null);
      JsonNode published = call("ADD", number, portmap(), attached);
      call("DEL", number, portmap(), published);
      call("DEL", number, bridge(), published);
    }

    @Override
    public void tidy(int number) throws IOException {
      NetworkNamespace.unpin(netns);
    }

    private JsonNode call(String command, int number, ObjectNode plugIn, JsonNode previous)
        throws IOException {
      if (previous != null) {
        plugIn.set("prevResult", previous);
      }
      Map<String, String> environment =
          Map.of(
              "CNI_COMMAND",
              command,
              "CNI_CONTAINERID",
              "bench" + number,
              "CNI_NETNS",
              netns.toString(),
              "CNI_IFNAME",
              "eth0",
              "CNI_PATH",
              PLUG_INS.toString());
      String program = PLUG_INS.resolve(plugIn.get("type").asText()).toString();
      byte[] answer = Programs.run(List.of(program), environment, Json.bytes(plugIn));
      return answer.length == 0 ? null : Json.mapper().readTree(answer);
    }

    private ObjectNode bridge() {
      ObjectNode plugIn = plugIn("bridge").put("bridge", "bench-cni0");
      plugIn.put("isGateway", true).put("ipMasq", true).put("hairpinMode", true);
      ObjectNode ipam = plugIn.putObject("ipam").put("type", "host-local");
      ipam.put("dataDir", folder.resolve("addresses").toString());
      ipam.putArray("ranges").addArray().addObject().put("subnet", "198.18.7.0/24");
      ipam.putArray("routes").addObject().put("dst", "0.0.0.0/0");
      return plugIn;
    }

    private static ObjectNode portmap() {
      ObjectNode plugIn = plugIn("portmap");
      plugIn.putObject("capabilities").put("portMappings", true);
      ObjectNode mapping = plugIn.putObject("runtimeConfig").putArray("portMappings").addObject();
      mapping.put("hostPort", PEER_PORT).put("containerPort", 80).put("protocol", "tcp");
      return plugIn;
    }

    private static ObjectNode plugIn(String type) {
      ObjectNode plugIn = Json.mapper().createObjectNode();
      return plugIn.put("cniVersion", "0.4.0").put("name", "bench").put("type", type);
    }
  }
}
