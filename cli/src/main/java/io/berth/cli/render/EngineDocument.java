package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.daemon.Program;
import io.berth.base.json.Json;
import io.berth.oci.image.Platform;
import java.nio.file.Path;
import java.time.Instant;

/** Shows what the engine says of itself as docker's {@code version} and {@code info} do. */
public final class EngineDocument {
  private EngineDocument() {}

  /** The document about the versions of this program and of the service for containers. */
  public static ObjectNode version(String server, String revision) {
    ObjectNode node = Json.mapper().createObjectNode();
    part(node.putObject("Client"), Program.VERSION, revision).put("Context", "default");
    ObjectNode engine = part(node.putObject("Server"), server, revision);
    engine.put("KernelVersion", System.getProperty("os.version"));
    engine
        .putArray("Components")
        .addObject()
        .put("Name", "Engine")
        .put("Version", server)
        .putObject("Details")
        .put("GitCommit", revision);
    return node;
  }

  private static ObjectNode part(ObjectNode node, String version, String revision) {
    return node.put("Version", version)
        .put("GitCommit", revision)
        .put("Os", Platform.host().os())
        .put("Arch", Platform.host().architecture());
  }

  /** Adds docker's names to what the services have told of the instance. */
  public static void addInfo(ObjectNode node, Path root) {
    node.put("Containers", node.at("/containers/containers").asInt());
    node.put("ContainersRunning", node.at("/containers/running").asInt());
    node.put("ContainersPaused", node.at("/containers/paused").asInt());
    node.put("ContainersStopped", node.at("/containers/stopped").asInt());
    node.put("Images", node.at("/images/images").asInt());
    node.put("Driver", node.at("/images/snapshotter").asText());
    node.put("LoggingDriver", "local");
    String cgroups = node.at("/containers/cgroups").asText();
    node.put("CgroupVersion", cgroups.equals("v2") ? "2" : "1");
    node.put("KernelVersion", System.getProperty("os.version"));
    node.put("OSType", Platform.host().os());
    node.put("Architecture", System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64");
    node.put("NCPU", Runtime.getRuntime().availableProcessors());
    node.put("SystemTime", Instant.now().toString());
    node.put("ServerVersion", node.at("/containers/version").asText(Program.VERSION));
    node.put("DockerRootDir", root.toString());
    node.putObject("Plugins").putArray("Volume").add("local");
    node.withObject("/Plugins").putArray("Network").add("bridge").add("routed");
    node.withObject("/Plugins").putArray("Log").add("local").add("none");
    ArrayNode security = node.putArray("SecurityOptions");
    if (node.at("/containers/apparmor").asText().equals(HostDocument.DEFAULT_PROFILE)) {
      security.add("name=apparmor");
    }
    security.add("name=seccomp,profile=default");
    node.putObject("Swarm").put("LocalNodeState", "inactive");
    for (String part : new String[] {"containers", "images", "network"}) {
      node.at("/" + part + "/warnings").forEach(node.withArray("/Warnings")::add);
    }
  }
}
