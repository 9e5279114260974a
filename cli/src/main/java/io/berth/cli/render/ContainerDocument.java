package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.Endpoint;
import io.berth.api.berth.container.v1.ExecInspectResponse;
import io.berth.api.berth.container.v1.Health;
import io.berth.api.berth.container.v1.HealthResult;
import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.base.id.Digest;
import io.berth.base.json.Json;
import io.berth.base.rpc.Timestamps;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/** Shows a container as docker's {@code inspect} does, under the same names. */
public final class ContainerDocument {
  private ContainerDocument() {}

  /** The document about a container. */
  public static ObjectNode of(Container container) {
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("Id", container.getId());
    node.put("Created", time(container.getCreatedAt()));
    node.put("Path", container.getPath());
    texts(node, "Args", container.getArgsList());
    node.set("State", state(container.getState()));
    node.put("Image", container.getImageId());
    node.put("ResolvConfPath", container.getResolvConfPath());
    node.put("HostnamePath", container.getHostnamePath());
    node.put("HostsPath", container.getHostsPath());
    node.put("LogPath", container.getLogPath());
    node.put("Name", "/" + container.getName());
    node.put("RestartCount", container.getRestartCount());
    node.put("Driver", container.getSnapshotter());
    node.put("AppArmorProfile", container.getHost().getApparmor());
    node.put("Platform", container.getPlatform().replaceFirst("/.*", ""));
    texts(node, "ExecIDs", container.getExecIdsList());
    node.set("HostConfig", host(container));
    node.put("SnapshotKey", container.getSnapshotKey());
    node.put("Namespace", container.getNamespace());
    node.put("TaskFolder", container.getTaskFolder());
    if (container.getSizeRw() != 0 || container.getSizeRoot() != 0) {
      node.put("SizeRw", container.getSizeRw());
      node.put("SizeRootFs", container.getSizeRoot());
    }
    node.set("Mounts", HostDocument.mounts(container));
    node.set("Config", config(container));
    node.set("NetworkSettings", network(container));
    return node;
  }

  private static ObjectNode state(StateInfo state) {
    ObjectNode node = Json.mapper().createObjectNode();
    String name = state.getState().name().substring("STATE_".length()).toLowerCase(Locale.ROOT);
    node.put("Status", name);
    node.put(
        "Running",
        state.getState() == State.STATE_RUNNING || state.getState() == State.STATE_PAUSED);
    node.put("Paused", state.getState() == State.STATE_PAUSED);
    node.put("Restarting", state.getState() == State.STATE_RESTARTING);
    node.put("OOMKilled", state.getOomKilled());
    node.put("Dead", state.getState() == State.STATE_DEAD);
    node.put("Pid", state.getPid());
    node.put("ExitCode", state.getExitCode());
    node.put("Error", state.getError());
    node.put("StartedAt", time(state.getStartedAt()));
    node.put("FinishedAt", time(state.getFinishedAt()));
    if (state.hasHealth()) {
      node.set("Health", health(state.getHealth()));
    }
    return node;
  }

  private static ObjectNode health(Health health) {
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("Status", health.getStatus());
    node.put("FailingStreak", health.getFailingStreak());
    ArrayNode log = node.putArray("Log");
    for (HealthResult result : health.getLogList()) {
      ObjectNode one = log.addObject();
      one.put("Start", time(result.getStart()));
      one.put("End", time(result.getEnd()));
      one.put("ExitCode", result.getExitCode());
      one.put("Output", result.getOutput());
    }
    return node;
  }

  private static ObjectNode host(Container container) {
    HostConfig host = container.getHost();
    ObjectNode node = Json.mapper().createObjectNode();
    HostDocument.add(node, host);
    node.put("ContainerIDFile", host.getContainerIdFile());
    ObjectNode log = node.putObject("LogConfig");
    log.put("Type", host.getLogDriver().isEmpty() ? "local" : host.getLogDriver());
    ObjectNode logOptions = log.putObject("Config");
    if (host.getLogMaxSize() > 0) {
      logOptions.put("max-size", Long.toString(host.getLogMaxSize()));
    }
    if (host.getLogMaxFiles() > 0) {
      logOptions.put("max-file", Integer.toUnsignedString(host.getLogMaxFiles()));
    }
    new TreeMap<>(host.getLogOptionsMap()).forEach(logOptions::put);
    wishes(node, "VolumesFrom", host.getVolumesFromList());
    node.put("VolumeDriver", host.getVolumeDriver());
    wishes(node, "Links", container.getNetwork().getLinksList());
    node.put("PublishAllPorts", container.getNetwork().getPublishAll());
    node.put("NetworkMode", container.getNetwork().getMode());
    node.set("PortBindings", ports(container.getNetwork().getPortsList(), ""));
    ObjectNode restart = node.putObject("RestartPolicy");
    restart.put("Name", host.getRestart().getName().isEmpty() ? "no" : host.getRestart().getName());
    restart.put("MaximumRetryCount", host.getRestart().getMaximumRetries());
    node.put("AutoRemove", host.getAutoRemove());
    wishes(node, "CapAdd", host.getCapAddList());
    wishes(node, "CapDrop", host.getCapDropList());
    texts(node, "Dns", host.getDnsList());
    texts(node, "DnsSearch", host.getDnsSearchList());
    texts(node, "DnsOptions", host.getDnsOptionsList());
    wishes(node, "ExtraHosts", host.getExtraHostsList());
    wishes(node, "GroupAdd", host.getGroupAddList());
    node.put("IpcMode", host.getIpcMode());
    node.put("PidMode", host.getPidMode());
    node.put("UTSMode", host.getUtsMode());
    node.put("OomScoreAdj", host.getOomScoreAdj());
    node.put("Privileged", host.getPrivileged());
    node.put("ReadonlyRootfs", host.getReadOnlyRootfs());
    node.put("ShmSize", host.getShmSize());
    node.put("Runtime", host.getRuntime());
    node.put("Init", host.getInit());
    node.put("CgroupParent", host.getCgroupParent());
    return node;
  }

  private static ObjectNode config(Container container) {
    Config config = container.getConfig();
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("Hostname", config.getHostname());
    node.put("Domainname", config.getDomainname());
    node.put("User", config.getUser());
    node.put("Tty", config.getTty());
    node.put("OpenStdin", config.getOpenStdin());
    node.put("StdinOnce", config.getStdinOnce());
    texts(node, "Env", config.getEnvList());
    wishes(node, "Cmd", config.getCmdList());
    wishes(node, "Entrypoint", config.getEntrypointList());
    node.put("Image", ContainerWords.image(container));
    node.put("WorkingDir", config.getWorkingDir());
    node.put("StopSignal", config.getStopSignal());
    if (config.hasStopTimeout()) {
      node.put("StopTimeout", config.getStopTimeout());
    }
    if (config.hasHealth()) {
      node.set("Healthcheck", check(config.getHealth()));
    }
    ObjectNode exposed = node.putObject("ExposedPorts");
    config.getExposedPortsList().forEach(exposed::putObject);
    ObjectNode labels = node.putObject("Labels");
    new TreeMap<>(config.getLabelsMap()).forEach(labels::put);
    return node;
  }

  private static ObjectNode check(Healthcheck check) {
    ObjectNode node = Json.mapper().createObjectNode();
    texts(node, "Test", check.getTestList());
    numbered(node, "Interval", check.getInterval());
    numbered(node, "Timeout", check.getTimeout());
    numbered(node, "StartPeriod", check.getStartPeriod());
    numbered(node, "Retries", check.getRetries());
    return node;
  }

  private static void numbered(ObjectNode node, String name, long value) {
    if (value != 0) {
      node.put(name, value);
    }
  }

  /** The document about a program that was run in a container, under docker's names. */
  public static ObjectNode of(ExecInspectResponse exec) {
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("ID", exec.getExecId());
    node.put("Running", exec.getRunning());
    if (exec.hasExitCode()) {
      node.put("ExitCode", exec.getExitCode());
    } else {
      node.putNull("ExitCode");
    }
    ObjectNode process = node.putObject("ProcessConfig");
    process.put("entrypoint", exec.getCmdCount() == 0 ? "" : exec.getCmd(0));
    texts(process, "arguments", exec.getCmdList().stream().skip(1).toList());
    process.put("tty", exec.getTty());
    process.put("user", exec.getUser());
    process.put("privileged", exec.getPrivileged());
    node.put("OpenStdin", exec.getOpenStdin());
    node.put("ContainerID", exec.getContainerId());
    node.put("Pid", exec.getPid());
    return node;
  }

  private static ObjectNode network(Container container) {
    Endpoint endpoint = container.getEndpoint();
    ObjectNode node = Json.mapper().createObjectNode();
    node.put("Bridge", "");
    node.put(
        "SandboxID", endpoint.getNetns().isEmpty() ? "" : Digest.sha256(endpoint.getNetns()).hex());
    node.put("HairpinMode", false);
    node.put("LinkLocalIPv6Address", "");
    node.put("LinkLocalIPv6PrefixLen", 0);
    node.put("SandboxKey", endpoint.getNetns());
    node.putNull("SecondaryIPAddresses");
    node.putNull("SecondaryIPv6Addresses");
    node.put("EndpointID", endpoint.getId());
    node.put("GlobalIPv6PrefixLen", 0);
    node.put("IPv6Gateway", "");
    node.set("Ports", ports(endpoint.getPortsList(), "0.0.0.0"));
    node.put("IPAddress", endpoint.getAddress());
    node.put("IPPrefixLen", endpoint.getPrefixLength());
    node.put("Gateway", endpoint.getGateway());
    node.put("MacAddress", endpoint.getMac());
    node.put("GlobalIPv6Address", endpoint.getAddress6());
    ObjectNode networks = node.putObject("Networks");
    if (!endpoint.getNetwork().isEmpty()) {
      ObjectNode one = networks.putObject(endpoint.getNetwork());
      one.put("NetworkID", endpoint.getNetworkId());
      one.put("EndpointID", endpoint.getId());
      one.put("IPv6Gateway", "");
      one.put("GlobalIPv6PrefixLen", 0);
      one.put("IPAddress", endpoint.getAddress());
      one.put("IPPrefixLen", endpoint.getPrefixLength());
      one.put("Gateway", endpoint.getGateway());
      one.put("MacAddress", endpoint.getMac());
      one.put("GlobalIPv6Address", endpoint.getAddress6());
      wishes(one, "Links", container.getNetwork().getLinksList());
      wishes(one, "Aliases", container.getNetwork().getAliasesList());
    }
    return node;
  }

  private static ObjectNode ports(List<PortBinding> bindings, String anyAddress) {
    ObjectNode node = Json.mapper().createObjectNode();
    for (PortBinding binding : bindings) {
      String inside = binding.getContainerPort() + "/" + binding.getProtocol();
      ArrayNode list = node.get(inside) instanceof ArrayNode known ? known : node.putArray(inside);
      ObjectNode one = list.addObject();
      one.put("HostIp", binding.getHostIp().isEmpty() ? anyAddress : binding.getHostIp());
      one.put("HostPort", binding.getHostPort() == 0 ? "" : String.valueOf(binding.getHostPort()));
    }
    return node;
  }

  private static String time(Timestamp at) {
    return at.equals(Timestamp.getDefaultInstance())
        ? "0001-01-01T00:00:00Z"
        : Timestamps.instant(at).toString();
  }

  /** A list that docker shows as null where nobody asked for anything. */
  static void wishes(ObjectNode node, String name, List<String> values) {
    if (values.isEmpty()) {
      node.putNull(name);
    } else {
      texts(node, name, values);
    }
  }

  static void texts(ObjectNode node, String name, List<String> values) {
    ArrayNode list = node.putArray(name);
    values.forEach(list::add);
  }
}
